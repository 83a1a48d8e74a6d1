// Lists or runs the tasks of a file that exports instances of tinybench's Bench, of version 2 or later.

import { pathToFileURL } from 'node:url'
import { loadModule } from '../../handler/module.js'
import { median } from '../../statistics/descriptive.js'
import { messageOf } from '../../validation/validation-error.js'
import { answer, type BenchRequest, type BenchTask, numberedNames } from './messages.js'

/** What the versions of tinybench have in common. */
interface Bench {
  time: number
  /** whether the first task that throws ends the run of all */
  throws?: boolean
  /** runs a warm-up in version 2; whether to run one in later versions */
  warmup?: boolean | (() => Promise<void>)
  readonly tasks: readonly { name: string; result?: unknown }[]
  remove(name: string): unknown
  reset(): void
  run(): Promise<unknown>
}

const isBench = (value: unknown): value is Bench =>
  typeof value === 'object' &&
  value !== null &&
  'tasks' in value &&
  Array.isArray(value.tasks) &&
  ['run', 'reset', 'remove'].every((name) => typeof (value as Record<string, unknown>)[name] === 'function')

/** Finds the exported benches. One that is not the default export is labelled with its name if there are several. */
function findBenches(module: Record<string, unknown>): { label: string; bench: Bench }[] {
  const found = Object.entries(module).flatMap(([name, value]) => {
    const isDefault = name === 'default'
    // `export default` compiled to CommonJS is the default of the default
    const inner = isDefault && typeof value === 'object' && value !== null && 'default' in value ? value.default : value
    return isBench(inner) ? [{ label: isDefault ? '' : name, bench: inner }] : []
  })
  const benches = found.filter(({ bench }, i) => found.findIndex((other) => other.bench === bench) === i)
  return benches.length === 1 ? benches.map(({ bench }) => ({ label: '', bench })) : benches
}

interface Statistics {
  mean: number
  p50?: number
  p99: number
  samples?: readonly number[]
}

function taskOf(name: string, given: unknown): BenchTask {
  const result = (given ?? {}) as { error?: unknown; state?: string; latency?: Statistics } & Statistics
  if (result.error !== undefined) return { name, times: null, failure: messageOf(result.error) }
  // version 2 has the statistics in the result itself
  const { mean, p50, p99, samples } = result.latency ?? result
  if (mean === undefined) {
    return { name, times: null, failure: `did not complete${result.state ? ` (${result.state})` : ''}` }
  }
  return { name, times: { mean, p50: p50 ?? median(samples ?? []), p99 } }
}

await answer(async ({ file, only, atMostMs }: BenchRequest) => {
  const benches = findBenches(await loadModule(pathToFileURL(file).href))
  if (benches.length === 0) {
    throw new Error('exports no Bench of tinybench; export it without running it: export const bench = new Bench()')
  }
  const all = benches.flatMap(({ label, bench }) =>
    bench.tasks.map(({ name }) => ({ bench, name, shown: label === '' ? name : `${label} > ${name}` })),
  )
  const names = numberedNames(all.map(({ shown }) => shown))
  if (only === null) return names.map((name): BenchTask => ({ name, times: null }))
  const tasks: BenchTask[] = []
  for (const { bench } of benches) {
    for (const [i, each] of all.entries()) {
      if (each.bench === bench && !only.includes(names[i] as string)) bench.remove(each.name)
    }
    bench.time = Math.min(bench.time, atMostMs)
    bench.throws = false
    // the file may have run it
    bench.reset()
    if (typeof bench.warmup === 'function') await bench.warmup()
    await bench.run()
    for (const { name, result } of bench.tasks) {
      const i = all.findIndex((each) => each.bench === bench && each.name === name)
      tasks.push(taskOf(names[i] as string, result))
    }
  }
  return tasks
})
