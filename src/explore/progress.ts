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
   * Reports, and says whether to go on.
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
