import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { judgeShape } from '../../budget/comparison/comparison.js'
import { compareTasks } from '../../gate/bench/compare-tasks.js'
import type { BenchRunner } from '../../gate/bench/messages.js'
import { type GateOptions, ROUNDS } from '../../gate/gate.js'
import type { GateOutcome } from '../../gate/gate-report.js'
import { listFiles } from '../../gate/git.js'
import { options as optionsSchema, positiveDuration, whole } from '../../scenario/units.js'
import { throwFaults, ValidationError } from '../../validation/validation-error.js'
import { parseValue } from '../parse-flags.js'
import { type GateSides, resolveInRepository } from './scenarios.js'

/** The default files of micro-benchmarks: those of `vitest bench`. */
const BENCH_FILES = ['bench', 'benchmark'].flatMap((name) =>
  ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs', 'tsx', 'jsx'].map((extension) => `**/*.${name}.${extension}`),
)

/** The metrics that runners give of a task. */
const OF = ['p50', 'mean', 'p99', 'throughput'] as const

const schema = optionsSchema({
  ...judgeShape,
  of: z.enum(OF, { error: `must be one of ${OF.join(', ')} for micro-benchmarks` }).default('p50'),
  rounds: whole(2, 1000).default(ROUNDS),
  duration: positiveDuration.default(100),
})

/**
 * Compares the tasks of micro-benchmarks: of files, or of all `*.bench.ts` files below the working directory.
 *
 * @param duration longest time of a task in a round
 * @throws ValidationError if there is no such file, or an option is invalid
 */
export async function compareBenchFiles(
  runner: BenchRunner,
  files: readonly string[],
  { repository, base, ref }: GateSides,
  duration: string | undefined,
  { compare = {}, signal, onProgress }: GateOptions,
): Promise<{ outcomes: GateOutcome[]; notes: string[] }> {
  const { of, within, rounds } = compare
  const given = { of, within, rounds, duration: parseValue(duration) }
  const parsed = schema.safeParse(given)
  if (!parsed.success) throwFaults(parsed.error, 'options', given)
  const { duration: atMostMs, ...judging } = parsed.data
  const folders = { base: join(base, repository.folder), head: join(repository.root, repository.folder) }
  const named = files.map((file) => resolveInRepository(file, folders.head, repository.root))
  const found = files.length > 0 ? [...new Set(named)] : await listBenchFiles(folders)
  const isIn = (side: keyof typeof folders) => (file: string) => existsSync(join(folders[side], file))
  const ofHead = found.filter(isIn('head'))
  const removed = found.filter(isIn('base')).filter((file) => !ofHead.includes(file))
  const missing = named.find((file) => !ofHead.includes(file) && !removed.includes(file))
  if (missing !== undefined) throw new ValidationError(missing, 'does not exist')
  if (ofHead.length === 0) {
    throw new ValidationError('compare', 'found no micro-benchmark; name a file, or add a file *.bench.ts')
  }
  return compareTasks([...ofHead, ...removed], {
    runner,
    folders,
    ref,
    ...judging,
    atMostMs,
    signal,
    onProgress,
  })
}

async function listBenchFiles({ base, head }: { base: string; head: string }): Promise<string[]> {
  const both = await Promise.all(
    [head, base].map(async (folder) => (existsSync(folder) ? listFiles(folder, BENCH_FILES) : [])),
  )
  return [...new Set(both.flat())]
}
