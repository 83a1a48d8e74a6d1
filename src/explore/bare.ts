import { locate } from '../handler/module.js'
import { unreadyMessage } from '../handler/prepare.js'
import { MeasureError } from '../measure/error.js'
import { startThread } from '../threads/thread.js'
import type { BareReport, BareTask, BareTimes } from './bare-task.js'

/**
 * Times a handler on a separate thread, batch after batch without a pause. This is the lower bound of its service time.
 *
 * @throws MeasureError if the handler cannot be loaded or a batch fails
 */
export async function timeBareHandler(
  handler: string,
  sizes: number[],
  { timeMs, signal }: { timeMs: number; signal?: AbortSignal | undefined },
): Promise<BareTimes[]> {
  const { url, path } = locate(handler)
  const thread = await startThread<BareTask, BareReport>(new URL('./bare-task.js', import.meta.url), 'timeBare')
  try {
    const rounds = 3
    const report = await thread.run({ handler: url, sizes, rounds, timeMs: timeMs / rounds }, signal)
    if (report.unready !== null) {
      throw new MeasureError(`handler ${path}: ${unreadyMessage(report.unready)}`, { cause: report.unready.error })
    }
    if (report.failure !== null) {
      const { size, error } = report.failure
      throw new MeasureError(`handler ${path}: a batch of ${size} failed: ${error.message}`, { cause: error })
    }
    return report.times
  } finally {
    await thread.destroy()
  }
}
