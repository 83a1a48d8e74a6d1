import { setTimer, type Timer, type TimerOptions } from '../clock/timer.js'
import { onAbort } from './on-abort.js'

/**
 * Awaits work for at most `timeoutMs`, or until a signal aborts. The work itself continues; its outcome is then ignored.
 *
 * @param late makes the error that a timeout rejects with
 */
export async function withTimeout<Value>(
  work: Promise<Value>,
  timeoutMs: number,
  late: () => Error,
  { signal, ...options }: TimerOptions & { signal?: AbortSignal | undefined } = {},
): Promise<Value> {
  let timer: Timer | undefined
  let ignore: (() => void) | undefined
  const over = new Promise<never>((_, reject) => {
    timer = setTimer(() => reject(late()), timeoutMs, options)
    ignore = signal && onAbort(signal, () => reject(signal.reason))
  })
  try {
    return await Promise.race([work, over])
  } finally {
    timer?.clear()
    ignore?.()
  }
}
