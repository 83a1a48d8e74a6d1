import { Bench } from 'tinybench'
import { loadDefault } from '../handler/module.js'
import { toPortableError } from '../handler/portable.js'
import { prepare, type Unready } from '../handler/prepare.js'
import { checkOutputs } from '../handler/serving.js'

/** The argument of the task that times a bare handler. */
export interface BareTask {
  /** the URL of the handler's module */
  handler: string
  sizes: number[]
  /** the time per batch size in each round */
  timeMs: number
  rounds: number
}

/** The handler's times for batches of one size, call by call. */
export interface BareTimes {
  size: number
  samplesMs: number[]
}

export interface BareReport {
  unready: Unready | null
  /** the first batch that failed */
  failure: { size: number; error: Error } | null
  times: BareTimes[]
}

/** Times a handler with tinybench, called back to back, in rounds that cycle through the batch sizes. */
export async function timeBare({ handler: url, sizes, timeMs, rounds }: BareTask): Promise<BareReport> {
  const report: BareReport = { unready: null, failure: null, times: sizes.map((size) => ({ size, samplesMs: [] })) }
  const ready = await prepare(() => loadDefault(url))
  if ('unready' in ready) return { ...report, unready: ready.unready }
  const { handler, state, payloads } = ready
  const context = { state, signal: new AbortController().signal, classes: [], first() {}, next() {} }

  for (let round = 0; round < rounds; round++) {
    for (const { size, samplesMs } of report.times) {
      const batch = Array.from({ length: size }, (_, i) => (payloads === null ? i : payloads[i % payloads.length]))
      try {
        const outputs = await handler.run(batch, context)
        checkOutputs(outputs, size)
        const bench = new Bench({
          time: timeMs,
          iterations: 10,
          warmupTime: timeMs / 4,
          warmupIterations: 2,
          retainSamples: true,
          throws: true,
        })
        bench.add(`${size}`, () => handler.run(batch, context))
        await bench.run()
        const result = bench.tasks[0]?.result
        if (result === undefined || !('latency' in result))
          throw new Error('tinybench gave no result: please report this bug')
        samplesMs.push(...(result.latency.samples ?? []))
      } catch (error) {
        return { ...report, failure: { size, error: toPortableError(error) } }
      }
    }
  }
  await handler.teardown?.(state)
  return report
}
