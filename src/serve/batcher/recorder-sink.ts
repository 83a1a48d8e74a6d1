/**
 * What a batcher notifies of its requests, as it happens. Times are milliseconds of `performance.now()`. `className` is the
 * `class` that a call of `run` was given, if any. A notification allocates nothing. Every request that `arrived` is followed by exactly one of `served`,
 * `failed`, `rejected`, `timedOut` and `aborted`. A sink that throws changes nothing else: the process is warned once.
 *
 * @example
 * import { createBatcher, type RecorderSink } from 'throughline/serve'
 *
 * let answered = 0
 * const recorder: RecorderSink = {
 *   arrived() {},
 *   batch: (size, idleMs, leaveMs, startMs, endMs) => console.log(`${size} calls in ${(endMs - startMs).toFixed(1)} ms`),
 *   served: () => void answered++,
 *   failed() {},
 *   rejected() {},
 *   timedOut() {},
 *   aborted() {},
 * }
 * const batcher = createBatcher((batch: number[]) => batch, { recorder })
 * await batcher.run(1)
 * await batcher.close()
 */
export interface RecorderSink {
  /** a request came */
  arrived(dueMs: number, className?: string): void
  /**
   * a batch of `size` requests ended: it left the queue at `leaveMs` (its server had been idle since `idleMs`), and was
   * served from `startMs` to `endMs`; the outcomes of its requests follow
   */
  batch(size: number, idleMs: number, leaveMs: number, startMs: number, endMs: number): void
  /** a request of that batch was answered */
  served(dueMs: number, className?: string): void
  /** a request of that batch failed, with this error */
  failed(dueMs: number, error?: unknown, className?: string): void
  /** a request was refused, as the queue was full, or was given up when the batcher closed */
  rejected(dueMs: number, className?: string): void
  /** a request waited longer than its timeout */
  timedOut(dueMs: number, className?: string): void
  /** the signal of a request was aborted */
  aborted(dueMs: number, className?: string): void
}
