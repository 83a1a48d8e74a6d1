/**
 * What a batcher tells of its requests, as it happens. All times are milliseconds of `performance.now()`; numbers
 * only, so that telling allocates nothing. Every request that `arrived` is told of once more: served, failed,
 * rejected, timed out or aborted. What it throws is warned of once, and changes nothing else.
 */
export interface RecorderSink {
  /** a request came */
  arrived(dueMs: number): void
  /**
   * a batch of `size` ended: it left the queue at `leaveMs` (its server had been idle since `idleMs`), and was served
   * from `startMs` to `endMs`; what becomes of its requests is told next
   */
  batch(size: number, idleMs: number, leaveMs: number, startMs: number, endMs: number): void
  /** a request of the batch just told was answered */
  served(dueMs: number): void
  /** a request of the batch just told failed */
  failed(dueMs: number): void
  rejected(dueMs: number): void
  timedOut(dueMs: number): void
  aborted(dueMs: number): void
}
