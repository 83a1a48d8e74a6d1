import { payloadsOf, type Ready } from '../../handler/prepare.js'
import { BatchContext, isPromise, toNativePromise } from '../../handler/serving.js'
import type { Call } from '../../scenario/target.js'
import { isError } from '../../validation/realm.js'
import type { BatchOutcome, InFlightBatch } from './in-flight-batch.js'
import { SERVED } from './in-flight-batch.js'
import type { LocalTarget } from './local-target.js'

/** Creates the target of a handler that serves batches in this process. */
export function handlerTarget({ handler, state, payloads }: Ready): LocalTarget {
  return {
    took: 'run took',
    payload: ({ batch: { numbers, size } }) => payloadsOf(payloads, numbers, size),
    serve(inFlight) {
      const context = createContext(inFlight, state)
      const outputs: unknown = handler.run(inFlight.payload as unknown[], context)
      if (!isPromise(outputs)) {
        inFlight.end({ outputs })
        return
      }
      toNativePromise(outputs).then(
        (settled) => inFlight.end({ outputs: settled }),
        (error: unknown) => inFlight.end({ error }),
      )
    },
    close: async () => {
      await handler.teardown?.(state)
    },
  }
}

/** Creates the target of a function that serves one request at a time. Returning an Error is a failure, any other value succeeds. */
export function callTarget(call: Call): LocalTarget {
  const endWith = (inFlight: InFlightBatch, value: unknown) => inFlight.end(outcomeOf(value))
  return {
    took: 'call took',
    payload: () => undefined,
    serve(inFlight) {
      const value = call(inFlight.batch.numbers[0] as number, createContext(inFlight, undefined))
      if (!isPromise(value)) {
        endWith(inFlight, value)
        return
      }
      toNativePromise(value).then(
        (settled) => endWith(inFlight, settled),
        (error: unknown) => inFlight.end({ error }),
      )
    },
    close: async () => {},
  }
}

function outcomeOf(value: unknown): BatchOutcome {
  try {
    return isError(value) ? { error: value } : SERVED
  } catch (error) {
    // a proxy may throw
    return { error }
  }
}

function createContext(inFlight: InFlightBatch, state: unknown): BatchContext {
  const context = new BatchContext(state)
  inFlight.onAbort = (reason) => BatchContext.abort(context, reason)
  return context
}
