import type { Ready } from '../handler/prepare.js'
import { awaited, BatchContext, isPromise } from '../handler/serving.js'
import { isError } from '../scenario/realm.js'
import type { Call } from '../scenario/target.js'
import type { Flight, Outcome } from './flight.js'
import { SERVED } from './flight.js'
import type { LocalTarget } from './local-target.js'

/** A handler that serves batches in this process. */
export function handlerTarget({ handler, state, payloads }: Ready): LocalTarget {
  return {
    took: 'run took',
    payload({ batch: { numbers, size } }) {
      const requests = new Array<unknown>(size)
      for (let i = 0; i < size; i++) {
        const number = numbers[i] as number
        requests[i] = payloads === null ? number : payloads[number % payloads.length]
      }
      return requests
    },
    serve(flight) {
      const context = contextOf(flight, state)
      const outputs: unknown = handler.run(flight.payload as unknown[], context)
      if (!isPromise(outputs)) {
        flight.end({ outputs })
        return
      }
      awaited(outputs).then(
        (settled) => flight.end({ outputs: settled }),
        (error: unknown) => flight.end({ error }),
      )
    },
    close: async () => {
      await handler.teardown?.(state)
    },
  }
}

/** A function that serves one request at a time: any value is an answer, but for an Error. */
export function callTarget(call: Call): LocalTarget {
  const answered = (flight: Flight, value: unknown) => flight.end(answerOf(value))
  return {
    took: 'call took',
    payload: () => undefined,
    serve(flight) {
      const value = call(flight.batch.numbers[0] as number, contextOf(flight, undefined))
      if (!isPromise(value)) {
        answered(flight, value)
        return
      }
      awaited(value).then(
        (settled) => answered(flight, settled),
        (error: unknown) => flight.end({ error }),
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

function contextOf(flight: Flight, state: unknown): BatchContext {
  const context = new BatchContext(state)
  flight.onAbort = (reason) => BatchContext.abort(context, reason)
  return context
}
