import type { TimerOptions } from '../../../clock/timer.js'
import { type Unready, unreadyMessage } from '../../../handler/prepare.js'
import { withTimeout } from '../../../handler/with-timeout.js'

/** Returns the error of a handler that could not be made ready, prefixed with the handler's name. */
export function setupError(name: string, unready: Unready): Error {
  return new Error(`${name}: ${unreadyMessage(unready)}`, { cause: unready.error })
}

/** Awaits a handler's loading, setup or teardown for at most `setupTimeout`. */
export function withSetupTimeout<Value>(
  work: Promise<Value>,
  timeoutMs: number,
  options?: TimerOptions,
): Promise<Value> {
  const late = () => new Error(`the handler took longer than ${timeoutMs} ms (setupTimeout): it hangs`)
  return withTimeout(work, timeoutMs, late, options)
}
