import { Followers, type Request } from './request.js'

/**
 * Who is to be given up by which signal. A signal has one listener, however many calls and batchers share it: of more than
 * ten Node would warn that they leak.
 */
export class Aborts {
  readonly #followers = new WeakMap<AbortSignal, Followers>()
  readonly #aborted: (request: Request, reason: unknown) => void

  constructor(aborted: (request: Request, reason: unknown) => void) {
    this.#aborted = aborted
  }

  follow(signal: AbortSignal, request: Request): void {
    let followers = this.#followers.get(signal)
    if (followers === undefined) {
      followers = new Followers(signal, this.#aborted)
      this.#followers.set(signal, followers)
    }
    followers.add(request)
    request.followers = followers
  }
}
