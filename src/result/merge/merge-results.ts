import { z } from 'zod'
import { OTHER_CLASS } from '../../scenario/classes.js'
import { MOST_REQUESTS, options as optionsOf } from '../../scenario/units.js'
import { sum, sumBy } from '../../statistics/descriptive.js'
import { count, percent, seconds } from '../../text/number.js'
import { got, show, throwFaults, ValidationError } from '../../validation/validation-error.js'
import { checkResult } from '../check.js'
import { inProgressFinding } from '../findings.js'
import type { Environment } from '../host.js'
import { type ClassRecordings, type Counts, errorsIn, type Recording } from '../recording.js'
import { mergeInARow, wholeOf } from '../replications.js'
import { type Result, resultOf } from '../result.js'
import type { Finding } from '../validity.js'
import { mergeFindings } from './findings.js'
import { FEWEST_MACHINES } from './intervals.js'
import type { MergedMachine } from './merged.js'
import { recordingOf } from './recording-of.js'
import { mergeShards } from './shards.js'

/** Options of `mergeResults`. */
export interface MergeOptions {
  /**
   * `shards` ran at the same time, each with a part of the requests: their rates add up. `replications` are runs of the
   * same scenario with different seeds, and count as run one after another.
   */
  as: 'shards' | 'replications'
}

const schema = optionsOf({
  as: z.enum(['shards', 'replications'], { error: "must be 'shards' or 'replications'" }),
})

/** A result of one machine, and the machine's name. */
interface MachineResult {
  name: string
  result: Result
  clockErrorMs?: number
}

/**
 * Merges the results of several machines into one. Percentiles are those of all requests together. With five machines or
 * more, intervals come from the differences between them, otherwise from the segments. Each finding names its machines,
 * and one error makes the whole invalid.
 *
 * @param results two or more results, or results with the names of their machines
 * @throws ValidationError naming the field in which results differ that must not: scenario, engine, parts or version
 * @example
 * const scenario = { arrivals: '800/s', service: '1ms', stop: { requests: 20_000 } }
 * const runs = [1, 2, 3, 4, 5].map((seed) => simulate({ ...scenario, seed }))
 * mergeResults(runs, { as: 'replications' }).counts.offered // 90000: a tenth of each run is warm-up
 */
export function mergeResults(
  results: readonly (Result | { name: string; result: Result })[],
  options: MergeOptions,
): Result {
  const checked = schema.safeParse(options)
  if (!checked.success) throwFaults(checked.error, 'merge', options)
  if (!Array.isArray(results) || results.length < 2) {
    throw new ValidationError('results', `must be a list of two or more results, ${got(results)}`)
  }
  const { as } = checked.data
  const given = results.map(namedOf)
  const [first, ...others] = given as [MachineResult, ...MachineResult[]]
  for (const each of given) refuseUnmergeable(each)
  for (const other of others) refuseDifferent(first, other)
  if (as === 'shards') refuseOverlappingShards(given)
  else refuseSameRequests(given)
  return merge(given, as, [])
}

/**
 * Merges shards that agents sent together; one is enough, since the others may be lost.
 *
 * @param lost why shards are missing
 */
export function mergeShardResults(given: readonly MachineResult[], lost: readonly string[]): Result {
  return merge(given, 'shards', lost)
}

function merge(given: readonly MachineResult[], as: 'shards' | 'replications', lost: readonly string[]): Result {
  const offered = sumBy(given, ({ result }) => result.counts.offered)
  if (offered > MOST_REQUESTS) {
    throw new ValidationError(
      'results',
      `have ${count(offered)} requests in all; a Result counts up to ${count(MOST_REQUESTS)}`,
    )
  }
  const recordings = judgeAlike(given.map(({ result }) => recordingOf(result)))
  const findings = mergeFindings(
    given.map(({ name, result }) => ({
      name,
      findings: result.validity.findings.filter(({ code }) => !OF_ALL_TOGETHER.has(code)),
    })),
  )
  findings.push(...progressOf(given))
  const recording: Recording = {
    ...(as === 'shards' ? mergeShards(recordings) : mergeRuns(recordings)),
    findings: as === 'shards' ? [...shardFindings(given, lost), ...findings] : findings,
    merged: { as, machines: given.map(machineOf) },
    machines: recordings,
  }
  return resultOf(recording, commonEnvironment(given))
}

/** Leaves out which requests were good, if that is not known of all recordings. */
function judgeAlike(recordings: readonly Recording[]): readonly Recording[] {
  const known = recordings.filter(({ counts }) => counts.good !== undefined)
  return known.length === 0 || known.length === recordings.length ? recordings : recordings.map(leaveUnjudged)
}

function leaveUnjudged(recording: Recording): Recording {
  const unjudged = <Counted extends { counts: Counts }>({ counts, ...rest }: Counted) => {
    const { good: _, ...others } = counts
    return { ...rest, counts: others }
  }
  const withClasses = <Counted extends { counts: Counts; classes?: ClassRecordings }>(given: Counted) => ({
    ...unjudged(given),
    ...(given.classes !== undefined && {
      classes: Object.fromEntries(Object.entries(given.classes).map(([name, each]) => [name, unjudged(each)])),
    }),
  })
  const { segments, stages } = recording
  return {
    ...withClasses(recording),
    segments: segments.map(withClasses),
    ...(stages !== undefined && { stages: stages.map(unjudged) }),
  } as Recording
}

/** Findings that are known only of all requests together. */
const OF_ALL_TOGETHER: ReadonlySet<Finding['code']> = new Set(['too-few-samples', 'in-progress'])

/** The requests in flight on all machines, if their runs are in progress. */
function progressOf(given: readonly MachineResult[]): Finding[] {
  const found = given.flatMap(({ result }) => result.validity.findings.filter(({ code }) => code === 'in-progress'))
  if (found.length === 0) return []
  const figure = (name: string) => found.map(({ figures }) => figures[name] ?? 0)
  const longestMs = Math.max(...given.map(({ result }) => result.latencyMs.max))
  return [inProgressFinding(sum(figure('inFlight')), Math.max(...figure('oldestMs')), longestMs)]
}

/** Merges runs as if they had been one after another; with few of them, the segments of all are kept. */
function mergeRuns(runs: readonly Recording[]): Omit<Recording, 'findings'> {
  if (runs.length < FEWEST_MACHINES) return mergeInARow(runs, ({ segments }) => segments)
  return {
    ...mergeInARow(runs, (run) => [wholeOf(run, run.segments.at(-1)?.inSystem ?? 0)]),
    replications: runs.length,
  }
}

function namedOf(given: Result | { name: string; result: Result }, i: number): MachineResult {
  const place = `results[${i}]`
  if (typeof given === 'object' && given !== null && 'result' in given) {
    const { name, result } = given
    if (typeof name !== 'string' || name === '') {
      throw new ValidationError(`${place}.name`, `must be the name of a machine, ${got(name)}`)
    }
    return { name, result: checkResult(result, name) }
  }
  const result = checkResult(given, place)
  return { name: result.shard === undefined ? `machine ${i + 1}` : `shard ${result.shard.index}`, result }
}

function refuseUnmergeable({ name, result }: MachineResult): void {
  if (result.merged !== undefined) {
    throw new ValidationError(`${name}.merged`, 'is merged already; merge the results of all machines at once')
  }
  if (result.checkpoints !== undefined) {
    throw new ValidationError(
      `${name}.checkpoints`,
      'comes from a run that stops at a precision or a budget, so its length depends on its results; merge runs that stop at { requests } or { duration }',
    )
  }
}

/** Refuses results that are not of the same thing. */
function refuseDifferent(first: MachineResult, other: MachineResult): void {
  const found = differenceOf(comparable(first.result), comparable(other.result), [])
  if (found === null) return
  const { path, values } = found
  throw new ValidationError(
    [other.name, ...path].join('.'),
    `must be ${show(values[0])}, as in ${first.name}, to be merged with it; got ${show(values[1])}`,
  )
}

/** What results must have in common. */
function comparable(result: Result) {
  const { engine, scenario, classes, servers, goodput, fromSendMs, utilization, shard } = result
  const { seed: _, handler, ...rest } = scenario ?? { seed: 0 }
  return {
    engine,
    // machines may keep the same module in different folders
    scenario:
      scenario === null ? null : { ...rest, handler: typeof handler === 'string' ? fileName(handler) : handler },
    // a file of requests gives classes that the scenario does not name; `other` is left out of a result without it
    classes:
      classes &&
      Object.keys(classes)
        .filter((name) => name !== OTHER_CLASS)
        .sort()
        .join(', '),
    servers: servers ?? null,
    // that of a scenario may be unknown of one of them
    goodput: scenario === null ? goodput && { limits: goodput.limits } : null,
    fromSendMs: fromSendMs === null ? null : 'a summary',
    utilization: utilization === null ? null : 'a fraction',
    shard: shard && { count: shard.count },
  }
}

const fileName = (path: string) => path.slice(path.lastIndexOf('/') + 1)

interface Difference {
  path: string[]
  values: [unknown, unknown]
}

/** The first field in which two plain values differ; null if there is none. */
function differenceOf(a: unknown, b: unknown, path: string[]): Difference | null {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return Object.is(a, b) ? null : { path, values: [a, b] }
  }
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const [own, other] = [a, b].map((of) => (of as Record<string, unknown>)[key])
    const found = differenceOf(own, other, [...path, key])
    if (found !== null) return found
  }
  return null
}

/** Refuses two results of one shard, and shards of different streams. */
function refuseOverlappingShards(given: readonly MachineResult[]): void {
  const [first] = given as [MachineResult]
  given.forEach(({ name, result }, i) => {
    const { shard, replications, scenario } = result
    if (replications !== undefined) {
      throw new ValidationError(`${name}.replications`, 'must be absent: replications are not shards of one run')
    }
    if (shard === undefined) return
    if (scenario?.seed !== first.result.scenario?.seed) {
      throw new ValidationError(
        `${name}.scenario.seed`,
        `must be ${first.result.scenario?.seed}, as in ${first.name}, since shards send one stream; got ${scenario?.seed}`,
      )
    }
    const same = given.slice(0, i).find((other) => other.result.shard?.index === shard.index)
    if (same === undefined) return
    throw new ValidationError(`${name}.shard.index`, `must differ from that of ${same.name}, got ${shard.index} twice`)
  })
}

/** Refuses replications that sent the same requests: they would count as new information. */
function refuseSameRequests(given: readonly MachineResult[]): void {
  given.forEach(({ name, result }, i) => {
    const { shard, scenario, engine } = result
    if (shard !== undefined) {
      throw new ValidationError(`${name}.shard`, "must be absent in a replication; to merge shards, set as: 'shards'")
    }
    if (scenario === null) return
    // these send the same requests at every seed
    const fixed = scenario.arrivals.process === 'constant' || scenario.arrivals.process === 'replay'
    if (fixed && engine === 'measure') return
    const same = given.slice(0, i).find((other) => other.result.scenario?.seed === scenario.seed)
    if (same === undefined) return
    throw new ValidationError(
      `${name}.scenario.seed`,
      `must differ from that of ${same.name}: at one seed both have the same requests, so they are not independent; got ${scenario.seed} twice`,
    )
  })
}

/** The fraction of the window for which all shards must have run at the same time, if they load the same server. */
const TOGETHER = 0.9

/** Finds shards that are missing, and shards that did not load their server together. */
function shardFindings(given: readonly MachineResult[], lost: readonly string[]): Finding[] {
  const shards = given.flatMap(({ result }) =>
    result.shard === undefined ? [] : { ...result.shard, ...result.window },
  )
  const findings: Finding[] = []
  const isHttp = given[0]?.result.scenario?.http !== undefined
  const unknown = given.length - shards.length
  if (isHttp && unknown > 0) {
    findings.push({
      code: 'shards-apart',
      severity: 'warning',
      message: `${unknown} of ${given.length} results do not record when they began, so it is not known whether the server ever had the whole load; measure with --shard (in code: { shard })`,
      figures: { unknown, results: given.length },
    })
  }
  const [first] = shards
  if (first === undefined) return findings
  const missing = first.count - shards.length
  if (missing > 0) {
    findings.push({
      code: 'shards-missing',
      severity: 'error',
      message: `${missing} of ${first.count} shards are missing: their requests were never sent, or nothing is known of them${lost.length === 0 ? '. Merge all shards, or run again' : `: ${lost.join('; ')}`}`,
      figures: { missing, shards: first.count },
    })
  }
  const begun = shards.map(({ startedAt, startMs }) => Date.parse(startedAt) + startMs)
  const ended = shards.map(({ startedAt, endMs }) => Date.parse(startedAt) + endMs)
  const apartMs = Math.max(...begun) - Math.min(...begun)
  const togetherMs = Math.max(0, Math.min(...ended) - Math.max(...begun))
  const fraction = togetherMs / Math.max(...shards.map(({ startMs, endMs }) => endMs - startMs))
  // others have servers of their own
  if (isHttp && fraction < TOGETHER) {
    findings.push({
      code: 'shards-apart',
      severity: 'error',
      message: `the shards began up to ${seconds(apartMs)} apart, and sent requests together for only ${percent(fraction)} of a window: the server had the whole load for no longer than that. Start them together, or run for longer`,
      figures: { apartMs, togetherMs, fraction },
    })
  }
  return findings
}

function machineOf({ name, result, clockErrorMs }: MachineResult): MergedMachine {
  const { scenario, shard, counts, classes, throughput, latencyMs, batches, utilization, validity, environment } =
    result
  const { mean, p50, p99, max } = latencyMs
  const failed = (of: Counts) => ({ offered: of.offered, errors: errorsIn(of), rejected: of.rejected })
  return {
    name,
    seed: scenario?.seed ?? null,
    ...(shard !== undefined && { shard }),
    requests: { ...failed(counts), completed: counts.completed },
    ...(classes !== undefined && {
      classes: Object.fromEntries(Object.entries(classes).map(([name, each]) => [name, failed(each.counts)])),
    }),
    throughput,
    batches: { count: batches.count, meanSize: batches.meanSize },
    utilization,
    latencyMs: { mean, p50, p99, max },
    ...(clockErrorMs !== undefined && { clockErrorMs }),
    valid: validity.valid,
    environment,
  }
}

/** The environment of machines that are alike, with the highest load of them; null if they differ. */
function commonEnvironment(given: readonly MachineResult[]): Environment | null {
  const [first, ...others] = given.map(({ result }) => result.environment) as [Environment | null]
  if (first === null) return null
  const alike = (others as (Environment | null)[]).every(
    (other) => other !== null && differenceOf({ ...first, load: 0 }, { ...other, load: 0 }, []) === null,
  )
  if (!alike) return null
  return { ...first, load: Math.max(...given.map(({ result }) => result.environment?.load ?? 0)) }
}
