// The runner of `vitest bench` in the worker: runs the requested tasks, each for a short time.

import type { NodeBenchmarkRunner } from 'vitest/runners'
import { messageOf } from '../../validation/validation-error.js'
import { type BenchRequest, listBenchmarks, numberedNames } from './messages.js'

type Suite = Parameters<NodeBenchmarkRunner['runSuite']>[0]
type Task = Suite['tasks'][number]

const { only, atMostMs, vitest }: BenchRequest & { vitest: string } = JSON.parse(
  process.env.THROUGHLINE_BENCH as string,
)
// the vitest of the project, which may not be the one next to this module
const { NodeBenchmarkRunner: Runner } = (await import(vitest)) as typeof import('vitest/runners')

type Listener = (event: { task: { result: object } }) => void

/** The default of tinybench in `vitest bench`. */
const TIME_MS = 500

export default class extends Runner {
  onCollected(files: Suite[]): void {
    const all = files.flatMap((file) => listBenchmarks<Task>(file))
    const names = numberedNames(all.map(({ path }) => path))
    for (const [i, { task }] of all.entries()) {
      if (only !== null && !only.includes(names[i] as string)) task.mode = 'skip'
    }
  }

  override async importTinybench(): ReturnType<NodeBenchmarkRunner['importTinybench']> {
    const tinybench = await super.importTinybench()
    class Bench extends tinybench.Bench {
      constructor(options: { time?: number } = {}) {
        super({ ...options, time: Math.min(options.time ?? TIME_MS, atMostMs) })
      }
    }
    /** Passes on the error of a task as a result without samples: vitest would fail the whole file. */
    class BenchTask extends tinybench.Task {
      #onComplete: Listener | undefined

      override addEventListener(type: string, listener: unknown): void {
        if (type === 'complete') this.#onComplete = listener as Listener
      }

      override async run(): Promise<this> {
        await super.run()
        const { result } = this
        if (result === undefined) return this
        const { error } = result
        this.#onComplete?.({ task: { result: error ? { samples: [], failure: messageOf(error) } : result } })
        return this
      }
    }
    return { ...tinybench, Bench, Task: BenchTask } as unknown as typeof tinybench
  }

  override async runSuite(suite: Suite): Promise<void> {
    if (only !== null) await super.runSuite(suite)
  }
}
