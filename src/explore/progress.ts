import { real } from '../clock/real.js'
import { throwIfAborted } from '../validation/realm.js'

/**
 * Calls a callback that may end a search: by returning false, or by returning a promise of it. What it throws, or rejects
 * with, ends the search too.
 */
export class ProgressReports<Progress> {
  readonly #callback: ((progress: Progress) => unknown) | undefined
  #ended = false
  #fault: { error: unknown } | null = null

  constructor(callback: ((progress: Progress) => unknown) | undefined) {
    this.#callback = callback
  }

  /**
   * Reports, and returns whether to continue.
   *
   * @throws what the callback threw, or rejected with since the last report
   */
  report(progress: () => Progress): boolean {
    this.throwFault()
    if (this.#callback === undefined) return true
    const answer = this.#callback(progress())
    if (answer === false) this.#ended = true
    else if (answer instanceof Promise) {
      answer.then(
        (value) => {
          if (value === false) this.#ended = true
        },
        (error) => {
          this.#fault ??= { error }
        },
      )
    }
    return !this.#ended
  }

  throwFault(): void {
    if (this.#fault !== null) throw this.#fault.error
  }
}

/** How often it is checked whether work on threads has to end. */
const CHECK_MS = 100

/**
 * Does work on threads, and checks ten times a second whether it has to end.
 *
 * @param check throws why, if it has to
 * @param work ends when its signal aborts; may check itself in between
 */
export async function unlessEnded<Found>(
  check: () => void,
  work: (signal: AbortSignal, check: () => void) => Promise<Found>,
): Promise<Found> {
  const ending = new AbortController()
  const abortOrContinue = () => {
    try {
      check()
    } catch (error) {
      ending.abort(error)
    }
  }
  const timer = real.setInterval(abortOrContinue, CHECK_MS)
  try {
    return await work(ending.signal, () => {
      abortOrContinue()
      throwIfAborted(ending.signal)
    })
  } catch (error) {
    throwIfAborted(ending.signal)
    throw error
  } finally {
    real.clearInterval(timer)
  }
}
