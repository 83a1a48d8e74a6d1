import { readFileSync } from 'node:fs'
import {
  closed,
  constant,
  exponential,
  gamma,
  hyperexponential,
  lognormal,
  poisson,
  renewal,
  replay,
  type Scenario,
  uniform,
} from '../../src/index.js'

/** Scenarios whose answers are known: see the README of the cases for how, and how sure. */

type Law =
  | { type: 'deterministic' | 'exponential'; meanMs: number }
  | { type: 'erlang'; k: number; meanMs: number }
  | { type: 'hyperexponential'; probs: number[]; meansMs: number[] }
  | { type: 'uniform'; minMs: number; maxMs: number }
  | { type: 'lognormal'; meanMs: number; cv: number }

interface CaseScenario {
  arrivals:
    | { type: 'poisson'; ratePerSec: number }
    | { type: 'deterministic'; intervalMs: number }
    | Extract<Law, { type: 'erlang' | 'hyperexponential' }>
    | { type: 'trace'; timesMs: number[] }
    | { type: 'closed'; clients: number; think: Law }
  service: Law | { type: 'affine'; perItemMs: number; baseMs: number }
  servers: number
  batching: { maxBatchSize: number | 'infinity'; maxWaitMs: number | 'infinity' }
  queue: { capacity: number | null; timeoutMs: number | null }
}

/** What theory gives for a steady state. */
export interface Values {
  meanWaitMs: number
  meanLatencyMs: number
  p50Ms?: number
  p90Ms?: number
  p95Ms?: number
  p99Ms?: number
  throughputPerSec: number
  meanBatchSize: number
  utilization: number
  lossFraction: number
}

interface Steady {
  name: string
  scenario: CaseScenario
  expect: Values & { batchPmf?: number[]; probWait?: number; inoueUpperBoundResponseMs?: number }
  tolerance: Record<keyof Values, number>
}

type TraceEvent =
  | { startMs: number; endMs: number; ids: number[] }
  | { rejectMs: number; id: number }
  | { timeoutMs: number; id: number }

interface Trace {
  name: string
  scenario: CaseScenario
  expect: {
    events: TraceEvent[]
    served: number
    rejected: number
    timedOut: number
    meanWaitMs: number
    meanLatencyMs: number
  }
}

const cases: (Steady | Trace)[] = JSON.parse(readFileSync(new URL('./cases.json', import.meta.url), 'utf8'))
const isTrace = (each: Steady | Trace): each is Trace => 'events' in each.expect

export const traceCases = cases.filter(isTrace)
export const steadyCases = cases.filter((each): each is Steady => !isTrace(each))

/** A case's scenario as ours. */
export function scenarioOf({ arrivals, service, servers, batching, queue }: CaseScenario): Scenario {
  const unlessInfinite = (value: number | 'infinity') => (value === 'infinity' ? null : value)
  return {
    arrivals: arrivalsOf(arrivals),
    service:
      service.type === 'affine'
        ? { model: 'affine', base: service.baseMs, perItem: service.perItemMs }
        : { model: 'affine', base: meanOf(service), variation: variationOf(service) },
    servers,
    batching: {
      maxBatchSize: unlessInfinite(batching.maxBatchSize),
      maxWait: unlessInfinite(batching.maxWaitMs),
    },
    queue: { capacity: queue.capacity, timeout: queue.timeoutMs },
  }
}

function arrivalsOf(arrivals: CaseScenario['arrivals']): Scenario['arrivals'] {
  switch (arrivals.type) {
    case 'poisson':
      return poisson(arrivals.ratePerSec)
    case 'deterministic':
      return constant(1000 / arrivals.intervalMs)
    case 'trace':
      return replay(arrivals.timesMs)
    case 'closed': {
      const { clients, think } = arrivals
      return closed({ clients, thinkTime: { mean: meanOf(think), variation: variationOf(think) } })
    }
    default:
      return renewal({ rate: 1000 / meanOf(arrivals), variation: variationOf(arrivals) })
  }
}

function meanOf(law: Law): number {
  switch (law.type) {
    case 'uniform':
      return (law.minMs + law.maxMs) / 2
    case 'hyperexponential':
      return law.meansMs.reduce((sum, mean, i) => sum + mean * (law.probs[i] as number), 0)
    default:
      return law.meanMs
  }
}

function variationOf(law: Law) {
  switch (law.type) {
    case 'deterministic':
      return { distribution: 'none' } as const
    case 'exponential':
      return exponential()
    case 'erlang':
      return gamma({ cv: 1 / Math.sqrt(law.k) })
    case 'hyperexponential':
      return hyperexponential({ probabilities: law.probs, means: law.meansMs })
    case 'uniform':
      return uniform({ spread: (law.maxMs - law.minMs) / (law.maxMs + law.minMs) })
    case 'lognormal':
      return lognormal({ cv: law.cv })
  }
}
