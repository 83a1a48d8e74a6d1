import { z } from 'zod'
import { checkResult } from '../../result/check.js'
import type { Environment } from '../../result/host.js'
import type { Result } from '../../result/result.js'
import type { StoredScenario } from '../../scenario/scenario.js'
import { plural } from '../../text/number.js'
import { checkVersion, type Source, throwFaults } from '../../validation/validation-error.js'
import { buildRound } from './compare-pairs.js'
import { COMPARED, type ComparedMetric, type Comparison, type Round } from './comparison.js'

export const HISTORY_SCHEMA = 'throughline/history@1'

/** An entry of a history: the figures, scenario and machine of a run. */
export interface HistoryEntry {
  schema: typeof HISTORY_SCHEMA
  /** name of the scenario */
  name: string
  /** null if it is unknown */
  commit: string | null
  /** time of adding, ISO 8601 */
  at: string
  engine: Comparison['engine']
  /** whether the run was valid; invalid runs are not used to estimate noise */
  valid: boolean
  figures: Round['figures']
  /** 95 % intervals of the metrics that have one */
  intervals: Partial<Record<ComparedMetric, { low: number; high: number }>>
  scenario: StoredScenario | null
  environment: Environment | null
}

/** Labels of an entry that a result does not have. */
export type HistoryLabels = Pick<HistoryEntry, 'name' | 'commit' | 'at'>

/** Builds the entry of a result. */
export function buildHistoryEntry(result: Result, of: HistoryLabels): HistoryEntry {
  const { latencyMs, serviceMs } = result
  const all = {
    ...(({ mean, p50, p90, p95, p99 }) => ({ mean, p50, p90, p95, p99 }))(latencyMs.intervals),
    'service.mean': serviceMs.intervals.mean,
  }
  const known = Object.entries(all).flatMap(([metric, { low, high }]) =>
    low === null || high === null ? [] : [[metric, { low, high }] as const],
  )
  return {
    schema: HISTORY_SCHEMA,
    ...of,
    engine: result.engine,
    valid: result.validity.valid,
    figures: buildRound(result).figures,
    intervals: Object.fromEntries(known),
    scenario: result.scenario,
    environment: result.environment,
  }
}

const number = z.number({ error: 'must be a number' })
const schema = z.looseObject({
  name: z.string({ error: 'must be a string' }),
  commit: z.string({ error: 'must be a string or null' }).nullable(),
  at: z.string({ error: 'must be a string' }),
  engine: z.enum(['simulate', 'measure', 'record', 'bench']),
  valid: z.boolean({ error: 'must be true or false' }),
  figures: z.looseObject({
    ...Object.fromEntries(COMPARED.map((metric) => [metric, number.nullable()])),
    ...{ throughput: number, errorRate: number, goodput: number.optional() },
  }),
  intervals: z.record(z.string(), z.looseObject({ low: number, high: number })),
  scenario: z.looseObject({}).nullable(),
  environment: z.looseObject({ cpu: z.string(), cores: number, platform: z.string(), node: z.string() }).nullable(),
})

/**
 * Checks an entry of a history.
 *
 * @throws ValidationError if it is of another version, or a field is missing or invalid
 */
export function checkEntry(value: unknown, name: Source): HistoryEntry {
  checkVersion(value, { name, kind: 'history entry', schema: HISTORY_SCHEMA })
  const parsed = schema.safeParse(value)
  if (!parsed.success) throwFaults(parsed.error, name, value)
  return value as HistoryEntry
}

const isEntry = (value: unknown): value is HistoryEntry =>
  typeof value === 'object' && value !== null && 'schema' in value && value.schema === HISTORY_SCHEMA

/** Reads the figures of a result or of an entry of a history. */
export function readFigures(of: Result | HistoryEntry, name: Source): Round['figures'] {
  return isEntry(of) ? checkEntry(of, name).figures : buildRound(checkResult(of, name)).figures
}

/** Describes the machine of a run; `virtual time` for a simulation. */
export function describeMachine({ engine, environment }: Pick<HistoryEntry, 'engine' | 'environment'>): string {
  if (engine === 'simulate') return 'virtual time'
  if (environment === null) return 'unknown machine'
  const { cpu, cores, platform, cpuQuota } = environment
  const quota = cpuQuota === null || cpuQuota === undefined ? '' : `, quota of ${cpuQuota}`
  return `${cpu}, ${plural(cores, 'core')}${quota}, ${platform}`
}
