import { payloadsOf, type Ready } from '../../handler/prepare.js'
import { awaited, BatchContext, isPromise } from '../../handler/serving.js'
import type { Call } from '../../scenario/target.js'
import { isError } from '../../validation/realm.js'
import type { InFlightBatch, Outcome } from './in-flight-batch.js'
import { SERVED } from './in-flight-batch.js'
import type { LocalTarget } from './local-target.js'

/** A handler that serves batches in this process. */
export function handlerTarget({ handler, state, payloads }: Ready): LocalTarget {
  return {
    took: 'run took',
    payload: ({ batch: { numbers, size } }) => payloadsOf(payloads, numbers, size),
    serve(inFlight) {
      const context = contextOf(inFlight, state)
      const outputs: unknown = handler.run(inFlight.payload as unknown[], context)
      if (!isPromise(outputs)) {
        inFlight.end({ outputs })
        return
      }
      awaited(outputs).then(
        (settled) => inFlight.end({ outputs: settled }),
        (error: unknown) => inFlight.end({ error }),
      )
    },
    close: async () => {
      await handler.teardown?.(state)
    },
  }
}

/** A function that serves one request at a time: any value is an answer, but for an Error. */
export function callTarget(call: Call): LocalTarget {
  const answered = (inFlight: InFlightBatch, value: unknown) => inFlight.end(answerOf(value))
  return {
    took: 'call took',
    payload: () => undefined,
    serve(inFlight) {
      const value = call(inFlight.batch.numbers[0] as number, contextOf(inFlight, undefined))
      if (!isPromise(value)) {
        answered(inFlight, value)
        return
      }
      awaited(value).then(
        (settled) => answered(inFlight, settled),
        (error: unknown) => inFlight.end({ error }),
      )
    },
    close: async () => {},
  }
}

function answerOf(value: unknown): Outcome {
  try {
    return isError(value) ? { error: value } : SERVED
  } catch (error) {
    // a proxy may refuse to tell
    return { error }
  }
}

function contextOf(inFlight: InFlightBatch, state: unknown): BatchContext {
  const context = new BatchContext(state)
  inFlight.onAbort = (reason) => BatchContext.abort(context, reason)
  return context
}
