const LENGTH_BYTES = 4
const MOST_BYTES = 4096

/**
 * The uncaught error of a server's thread, in memory that outlives the thread. The thread writes it and ends itself;
 * otherwise it would be ended from outside at any point, such as while it takes or records a batch.
 *
 * ```
 * buffer: | length: int32 | message: UTF-8 |
 * ```
 */
export class CrashReport {
  static readonly bytes = LENGTH_BYTES + MOST_BYTES
  readonly #length: Int32Array
  readonly #text: Uint8Array

  constructor(buffer: SharedArrayBuffer) {
    this.#length = new Int32Array(buffer, 0, 1)
    this.#text = new Uint8Array(buffer, LENGTH_BYTES)
  }

  write(message: string): void {
    const bytes = new TextEncoder().encode(message).subarray(0, MOST_BYTES)
    this.#text.set(bytes)
    Atomics.store(this.#length, 0, bytes.length)
  }

  /** The message; null if the thread did not end by an uncaught error. */
  read(): string | null {
    const length = Atomics.load(this.#length, 0)
    return length === 0 ? null : new TextDecoder().decode(this.#text.slice(0, length))
  }
}
