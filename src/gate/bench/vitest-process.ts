// Lists or runs the tasks of a file of `vitest bench`, with the vitest of its project.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { answer, type BenchRequest, type BenchTask, listBenchmarks, numberedNames } from './messages.js'

/** A task or suite of vitest, as its state holds it. */
interface RunnerTask {
  type: string
  name: string
  mode: string
  filepath?: string
  tasks?: RunnerTask[]
  meta: { benchmark?: boolean }
  result?: {
    errors?: { message: string }[]
    benchmark?: { mean: number; median: number; p99: number; sampleCount?: number; failure?: string }
  }
}

const pick = ({ mean, p99 }: { mean: number; p99: number }) => ({ mean, p99 })

const errorsOf = ({ result, tasks = [] }: RunnerTask): string[] => [
  ...(result?.errors ?? []).map(({ message }) => message),
  ...tasks.flatMap(errorsOf),
]

/** Finds the vitest that the working directory uses. */
async function findVitest(): Promise<{ node: string; runners: string }> {
  const manifest = findManifest()
  const { version, exports } = JSON.parse(readFileSync(manifest, 'utf8'))
  if (!version.startsWith('4.')) throw new Error(`needs vitest 4, got ${version}; run npm install --save-dev vitest@4`)
  const urlOf = (name: string) => pathToFileURL(join(dirname(manifest), exports[name].default)).href
  return { node: urlOf('./node'), runners: urlOf('./runners') }
}

function findManifest(): string {
  try {
    return createRequire(join(process.cwd(), 'package.json')).resolve('vitest/package.json')
  } catch (error) {
    throw new Error('vitest is not installed here; run npm install --save-dev vitest', { cause: error })
  }
}

await answer(async (request: BenchRequest) => {
  const { file, only } = request
  const vitest = await findVitest()
  process.env.THROUGHLINE_BENCH = JSON.stringify({ ...request, vitest: vitest.runners })
  const { startVitest } = (await import(vitest.node)) as typeof import('vitest/node')
  const instance = await startVitest('benchmark', [file], {
    watch: false,
    runner: fileURLToPath(new URL('vitest-runner.js', import.meta.url)),
    coverage: { enabled: false },
    benchmark: { reporters: [{}] },
  } as object)
  // there may be one for each project
  const files = (instance.state.getFiles() as unknown as RunnerTask[]).filter(({ filepath }) => filepath === file)
  const unhandled = instance.state.getUnhandledErrors() as { message?: string }[]
  await instance.close()
  const errors = [...files.flatMap(errorsOf), ...unhandled.map(({ message }) => message)]
  if (errors.length > 0) throw new Error(errors[0])
  if (files.length === 0) throw new Error('vitest bench does not include this file; check benchmark.include')
  const all = files.flatMap((each) => listBenchmarks(each))
  const names = numberedNames(all.map(({ path }) => path))
  return all.flatMap(({ task: { mode, result } }, i): BenchTask[] => {
    const name = names[i] as string
    if (only === null) return mode === 'skip' || mode === 'todo' ? [] : [{ name, times: null }]
    const times = result?.benchmark
    if (times?.failure !== undefined) return [{ name, times: null, failure: times.failure }]
    return times?.sampleCount === undefined ? [] : [{ name, times: { ...pick(times), p50: times.median } }]
  })
})
