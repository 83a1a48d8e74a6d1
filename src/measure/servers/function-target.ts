import { payloadsOf, type Ready } from '../../handler/prepare.js'
import { BatchContext, isPromise, toNativePromise } from '../../handler/serving.js'
import { numberInAll, type Shard } from '../../scenario/arrivals/shard.js'
import { classNames, type RequestClasses } from '../../scenario/request-classes.js'
import type { Call } from '../../scenario/target.js'
import { isError } from '../../validation/realm.js'
import { numbersInAll } from '../queue/batch.js'
import type { BatchOutcome, InFlightBatch } from './in-flight-batch.js'
import { SERVED } from './in-flight-batch.js'
import type { LocalTarget } from './local-target.js'

/** What the numbers of requests mean. */
interface NumberedRequests {
  /** null if the run sends all requests */
  shard: Shard | null
  /** null if requests have no classes */
  classes: RequestClasses | null
}

/** Creates the target of a handler that serves batches in this process. */
export function handlerTarget({ handler, state, payloads }: Ready, { shard, classes }: NumberedRequests): LocalTarget {
  return {
    took: 'run took',
    payload: ({ batch }) => payloadsOf(payloads, numbersInAll(batch, shard), batch.size),
    serve(inFlight) {
      const context = createContext(inFlight, state, classes)
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
export function callTarget(call: Call, { shard, classes }: NumberedRequests): LocalTarget {
  const endWith = (inFlight: InFlightBatch, value: unknown) => inFlight.end(outcomeOf(value))
  return {
    took: 'call took',
    payload: () => undefined,
    serve(inFlight) {
      const value = call(
        numberInAll(inFlight.batch.numbers[0] as number, shard),
        createContext(inFlight, undefined, classes),
      )
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

function createContext(inFlight: InFlightBatch, state: unknown, classes: RequestClasses | null): BatchContext {
  const context = new BatchContext(state, classNames(classes, inFlight.batch), inFlight)
  inFlight.onAbort = (reason) => BatchContext.abort(context, reason)
  return context
}
