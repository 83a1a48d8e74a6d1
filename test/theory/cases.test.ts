import { describe, expect, it } from 'vitest'
import { type Result, type SimulationEvent, simulate } from '../../src/index.js'
import { atLength } from '../support/at-length.js'
import { scenarioOf, steadyCases, traceCases, type Values } from './cases.js'

/** How many requests are served after the warm-up, which is a tenth of that; the tolerances are for 1,000,000. */
const SERVED = atLength(1_000_000, 25_000)

function valuesOf(result: Result): Values {
  const { latencyMs, counts } = result
  return {
    meanWaitMs: result.waitMs.mean,
    meanLatencyMs: latencyMs.mean,
    p50Ms: latencyMs.p50,
    p90Ms: latencyMs.p90,
    p95Ms: latencyMs.p95,
    p99Ms: latencyMs.p99,
    throughputPerSec: result.throughput.completed,
    meanBatchSize: result.batches.meanSize,
    utilization: result.utilization ?? Number.NaN,
    lossFraction: (counts.rejected + counts.timedOut) / counts.offered,
  }
}

it('holds every case: none is left out', () => {
  expect(steadyCases.length).toBe(41)
  expect(traceCases.length).toBe(6)
})

describe('a steady state is what theory says', { tags: 'at-length' }, () => {
  for (const { name, scenario, expect: exact, tolerance } of steadyCases) {
    it(name, () => {
      const through = 1 - exact.lossFraction
      const result = simulate({
        ...scenarioOf(scenario),
        stop: { requests: Math.ceil((1.1 * SERVED) / through) },
        warmup: { requests: Math.ceil((0.1 * SERVED) / through) },
      })
      expect(result.validity.valid).toBe(true)
      const values = valuesOf(result)
      const scale = Math.sqrt(1_000_000 / Math.min(result.counts.completed, 1_000_000))
      const wrong = Object.entries(tolerance).flatMap(([metric, within]) => {
        const [found, wanted] = [values[metric as keyof Values], exact[metric as keyof Values]] as [number, number]
        const bound = within * scale
        return Math.abs(found - wanted) <= bound ? [] : [`${metric}: ${found}, not ${wanted} within ${bound}`]
      })
      expect(wrong).toEqual([])
    })
  }

  for (const { name, scenario, expect: exact } of steadyCases) {
    const { batchPmf } = exact
    if (batchPmf === undefined) continue
    it(`${name}: how large batches are`, () => {
      const { sizes, count } = simulate({
        ...scenarioOf(scenario),
        stop: { requests: atLength(200_000, 20_000) },
      }).batches
      batchPmf.forEach((probability, i) => {
        const fraction = (sizes[i + 1] ?? 0) / count
        // one batch's size tells something of the next one's: the standard error is taken as twice that of
        // independent batches, and 4 of it are allowed
        const error = 2 * Math.sqrt((probability * (1 - probability)) / count)
        expect(Math.abs(fraction - probability), `of ${i + 1}: ${fraction}, not ${probability}`).toBeLessThan(
          4 * error + 2 / count,
        )
      })
    })
  }

  for (const { name, scenario, expect: exact } of steadyCases) {
    const { probWait } = exact
    if (probWait === undefined) continue
    it(`${name}: how many wait`, () => {
      const starts: number[] = []
      const ends: number[] = []
      const result = simulate(
        { ...scenarioOf(scenario), stop: { requests: atLength(200_000, 20_000) } },
        {
          onEvent: (event) => {
            if (event.type !== 'batch') return
            starts.push(event.startMs)
            ends.push(event.endMs)
          },
        },
      )
      // who finds all servers busy starts at the very instant of a completion
      const completions = new Set(ends)
      const first = result.scenario?.warmup as { requests: number }
      const waited = starts.slice(first.requests).filter((start) => completions.has(start)).length
      const fraction = waited / (starts.length - first.requests)
      // autocorrelated over the busy periods: some 10 times the variance of independent requests at 90 % load
      const error = Math.sqrt((10 * probWait * (1 - probWait)) / (starts.length - first.requests))
      expect(Math.abs(fraction - probWait)).toBeLessThan(4 * error)
    })
  }
})

describe('a trace is served event for event', () => {
  for (const { name, scenario, expect: exact } of traceCases) {
    it(name, () => {
      const events: SimulationEvent[] = []
      const result = simulate(
        { ...scenarioOf(scenario), warmup: { requests: 0 } },
        { onEvent: (event) => events.push(event) },
      )
      expect(events).toEqual(
        exact.events.map((event): SimulationEvent => {
          if ('ids' in event) return { type: 'batch', startMs: event.startMs, endMs: event.endMs, requests: event.ids }
          return 'rejectMs' in event
            ? { type: 'reject', atMs: event.rejectMs, request: event.id }
            : { type: 'timeout', atMs: event.timeoutMs, request: event.id }
        }),
      )
      const { served: completed, rejected, timedOut } = exact
      expect(result.counts).toMatchObject({ offered: completed + rejected + timedOut, completed, rejected, timedOut })
      expect(result.waitMs.mean).toBeCloseTo(exact.meanWaitMs, 9)
      expect(result.latencyMs.mean).toBeCloseTo(exact.meanLatencyMs, 9)
    })
  }
})
