import { setTimer, type Timer, type TimerOptions } from '../../clock/timer.js'
import { type Unready, unreadyMessage } from '../../handler/prepare.js'

/** What kept a handler from being ready, told of the handler by its name. */
export function unready(name: string, unready: Unready): Error {
  return new Error(`${name}: ${unreadyMessage(unready)}`, { cause: unready.error })
}

/** Awaits what a handler does before it serves, and after, no longer than it may take. */
export async function within<Value>(work: Promise<Value>, timeoutMs: number, options?: TimerOptions): Promise<Value> {
  let timer: Timer | undefined
  const late = new Promise<never>((_, reject) => {
    const tooLong = () => reject(new Error(`the handler took longer than ${timeoutMs} ms (setupTimeout): it hangs`))
    timer = setTimer(tooLong, timeoutMs, options)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    timer?.clear()
  }
}
