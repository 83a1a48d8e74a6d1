import { describe, expect, it } from 'vitest'
import { checkBudget } from '../../src/budget/check.js'
import { headroom } from '../../src/explore/tune/headroom.js'
import { tune } from '../../src/explore/tune/tune.js'
import { decode } from '../../src/histogram/hdr.js'
import { buildRecording } from '../../src/measure/recording/build-recording.js'
import { renderMarkdown } from '../../src/report/export/markdown.js'
import { renderHtml } from '../../src/report/html/render.js'
import { renderResult } from '../../src/report/terminal/result-table.js'
import { checkResult } from '../../src/result/check.js'
import type { ClassResult, ClassSegment } from '../../src/result/classes.js'
import { mergeResults } from '../../src/result/merge/merge-results.js'
import { type Result, resultOf } from '../../src/result/result.js'
import { summarize } from '../../src/result/runs.js'
import type { Summary } from '../../src/result/summary.js'
import type { Budget } from '../../src/scenario/budget.js'
import { drawnClasses } from '../../src/scenario/request-classes.js'
import { resolveScenario, type ScenarioParts } from '../../src/scenario/scenario.js'
import { simulate } from '../../src/simulate/simulate.js'
import { type Behaviour, serveInVirtualTime } from '../support/virtual-time/virtual-event-loop.js'

const MS = 1e6
const WARMUP = 100
const classes = { checkout: { weight: 1 }, browse: { weight: 2 } }
const scenario: ScenarioParts = {
  arrivals: { process: 'poisson', rate: 700 },
  classes,
  batching: { maxBatchSize: 4, maxWait: 2 },
  servers: 4,
  stop: { requests: 4000 },
  warmup: { requests: WARMUP },
  seed: 7,
}

/** The events of the response at each place of a batch, in milliseconds from its start; it ends after 5. */
const FIRST = [1, 1.2, 1.4, Number.POSITIVE_INFINITY]
const LATER = [[1.5, 2], [3], [], []]
const streams: Behaviour = {
  service: () => 5 * MS,
  lateness: () => 0,
  first: (i) => (FIRST[i] as number) * MS,
  later: (i) => (LATER[i] as number[]).map((ms) => ms * MS),
}
const silent: Behaviour = { service: () => 5 * MS, lateness: () => 0 }

const recorded = (given: ScenarioParts, behaviour: Behaviour) => {
  const { flown, ...run } = serveInVirtualTime(given, behaviour)
  return { flown, result: resultOf(buildRecording(run.scenario, run.state, run.nowNs)) }
}

/** A run in virtual time, and what is known of each of its requests in the window. */
function run(behaviour: Behaviour, parts: Partial<ScenarioParts> = {}) {
  const given = { ...scenario, ...parts } as ScenarioParts
  const { flown, result } = recorded(given, behaviour)
  const { names, classOf } = drawnClasses(given.classes as typeof classes, given.seed as number)
  const served = flown.flatMap(({ due, requests, firstNs, laterNs, endNs }) =>
    due.flatMap((dueNs, i) => {
      const number = requests[i] as number
      if (number < WARMUP) return []
      const times = [firstNs[i] as number, ...(laterNs[i] as number[])].filter((ns) => ns < Number.POSITIVE_INFINITY)
      return [
        {
          class: names[classOf(number)] as string,
          first: times.slice(0, 1).map((ns) => (ns - dueNs) / MS),
          between: times.slice(1).map((ns, k) => (ns - (times[k] as number)) / MS),
          latencyMs: (endNs - dueNs) / MS,
        },
      ]
    }),
  )
  return { result, served }
}

const { result: streamed, served } = run(streams)
const classIn = (result: Result, name: string) => result.classes?.[name] as ClassResult
const checkout = classIn(streamed, 'checkout')
const times = (name: string, time: 'first' | 'between') =>
  served.filter((each) => each.class === name).flatMap((each) => each[time])
const withoutTimes = ({ firstMs: _, betweenMs: __, ...own }: ClassResult): ClassResult => ({
  ...own,
  segments: own.segments.map(({ counts, latencyMs }) => ({ counts, latencyMs })),
})
const plain = ({ intervals: _, stdDev: __, ...figures }: Summary) => figures

describe('firstMs and betweenMs of a class', () => {
  it('are those of its requests, one by one, with intervals', () => {
    for (const name of ['checkout', 'browse']) {
      const { firstMs, betweenMs, counts } = classIn(checkResult(streamed), name)
      expect(plain(firstMs as Summary)).toEqual(plain(summarize(times(name, 'first'))))
      expect(plain(betweenMs as Summary)).toEqual(plain(summarize(times(name, 'between'))))
      expect(firstMs?.count).toBeLessThan(counts.completed)
    }
    const { low, high } = checkout.firstMs?.intervals.p50 ?? {}
    expect(low).toBeLessThan(checkout.firstMs?.p50 as number)
    expect(high).toBeGreaterThan(checkout.firstMs?.p50 as number)
    // fewer requests say less
    const widthOf = (summary: Summary | undefined) =>
      (summary?.intervals.mean.high as number) - (summary?.intervals.mean.low as number)
    expect(widthOf(checkout.firstMs)).toBeGreaterThan(widthOf(streamed.firstMs))
  })

  it.each(['firstMs', 'betweenMs'] as const)('add up to %s of the whole, value by value', (key) => {
    const sum = new Map<number, number>()
    for (const each of Object.values(streamed.classes ?? {})) {
      const { buckets, counts } = decode((each[key] as Summary).histogram)
      buckets.forEach((bucket, i) => void sum.set(bucket, (sum.get(bucket) ?? 0) + (counts[i] as number)))
    }
    const { buckets, counts } = decode((streamed[key] as Summary).histogram)
    expect([...sum].sort(([a], [b]) => a - b)).toEqual([...buckets].map((bucket, i) => [bucket, counts[i]]))
  })

  it('are those of a run that has only the requests of the class', () => {
    const seed = 3
    const { names, classOf } = drawnClasses(classes, seed)
    const timestamps = Array.from({ length: 400 }, (_, i) => 2 * i + (i % 5) * 0.3)
    const numbers = timestamps.map((_, i) => i)
    // servers enough that no request waits, so that the others change nothing
    const only = (some: number[], named: boolean) => {
      let at = 0
      const number = () => some[at] as number
      const behaviour: Behaviour = {
        lateness: () => 0,
        first: () => (1 + (number() % 7) * 0.3 + classOf(number())) * MS,
        later: () => (number() % 3 === 0 ? [4, 4.5 + (number() % 4) / 10] : []).map((ms) => ms * MS),
        // called last for each request
        service: () => {
          const ms = 5 + (number() % 11) * 0.1
          at++
          return ms * MS
        },
      }
      return recorded(
        {
          arrivals: { process: 'replay', timestamps: some.map((i) => timestamps[i] as number) },
          ...(named && { classes }),
          servers: 32,
          warmup: { requests: 0 },
          seed,
        },
        behaviour,
      ).result
    }
    const all = only(numbers, true)
    names.forEach((name, place) => {
      const alone = only(
        numbers.filter((i) => classOf(i) === place),
        false,
      )
      const own = classIn(all, name)
      for (const key of ['latencyMs', 'firstMs', 'betweenMs'] as const) {
        expect(plain(own[key] as Summary)).toEqual(plain(alone[key] as Summary))
      }
    })
  })

  it('are absent if no response of the class has them, and leave the rest as it is', () => {
    const { result } = run(silent)
    expect(classIn(result, 'checkout')).not.toHaveProperty('firstMs')
    for (const name of ['checkout', 'browse']) {
      expect(withoutTimes(classIn(streamed, name))).toEqual(classIn(result, name))
    }
    const simulated = simulate({ arrivals: '100/s', service: '1ms', classes, stop: { requests: 500 } })
    expect(classIn(simulated, 'checkout')).not.toHaveProperty('firstMs')
  })

  it('are merged: of few machines with intervals from their segments, of many with those between machines', () => {
    const runs = [1, 2, 3, 4, 5].map((seed) => run(streams, { seed, stop: { requests: 900 } }))
    const ofCheckout = (key: 'first' | 'between') =>
      summarize(runs.flatMap(({ served }) => served.flatMap((each) => (each.class === 'checkout' ? each[key] : []))))
    const merge = (machines: number) => {
      const results = runs.slice(0, machines).map(({ result }) => result)
      return classIn(checkResult(mergeResults(results, { as: 'replications' })), 'checkout')
    }
    const { firstMs, betweenMs } = merge(5)
    expect(plain(firstMs as Summary)).toEqual(plain(ofCheckout('first')))
    expect(plain(betweenMs as Summary)).toEqual(plain(ofCheckout('between')))
    expect(firstMs?.intervals.mean.low).toBeLessThan(firstMs?.mean as number)
    const { mean, intervals } = merge(2).firstMs as Summary
    expect(intervals.mean.low).toBeLessThan(mean)
  })

  it('have rows and curves in reports, named as in a budget', () => {
    const text = renderResult(streamed, { width: 120 })
    expect(text).toMatch(/^ checkout +\d/m)
    expect(text).toMatch(/^ checkout\.first +\d/m)
    expect(text).toMatch(/^ browse\.between +\d/m)
    expect(renderMarkdown(streamed)).toMatch(/^\| checkout\.first \| +\|/m)
    const html = renderHtml(streamed)
    expect(html).toContain('Time to the beginning of the response by class')
    expect(html).toContain('id="classes-between-0"')
    expect(renderHtml(run(silent).result)).not.toContain('classes-first')
  })

  it.each<[fault: string, change: (own: ClassResult) => Partial<ClassResult>]>([
    [
      'classes.checkout.firstMs.count: must be at most the number of latencies',
      ({ counts, latencyMs }) => ({
        firstMs: summarize(Array(counts.completed + 1).fill((latencyMs as Summary).min) as number[]),
      }),
    ],
    [
      'classes.checkout.betweenMs: must be absent without firstMs',
      // `undefined` is left out of a stored result
      () => ({ firstMs: undefined as never }),
    ],
    [
      "classes.checkout.segments: must hold the same 'first' times as the class",
      ({ firstMs }) => ({ firstMs: summarize([(firstMs as Summary).min]) }),
    ],
    [
      "classes: must hold the same 'between' times as the whole",
      (own) => ({ betweenMs: summarize([0.1]), segments: withoutTimes(own).segments }),
    ],
    [
      'classes.checkout.segments.0.firstMs: must have as many values as its histogram',
      ({ segments: [first, ...others] }) => ({
        segments: [{ ...first, firstMs: { ...first?.firstMs, count: 1 } } as ClassSegment, ...others],
      }),
    ],
  ])('are checked on reading: %s', (fault, change) => {
    const spoilt = { ...streamed, classes: { ...streamed.classes, checkout: { ...checkout, ...change(checkout) } } }
    expect(() => checkResult(JSON.parse(JSON.stringify(spoilt)))).toThrow(fault)
  })

  it('may be missing in a stored result', () => {
    const without = Object.entries(streamed.classes ?? {}).map(([name, own]) => [name, withoutTimes(own)])
    const stored = { ...streamed, classes: Object.fromEntries(without) }
    expect(checkResult(stored)).toBe(stored)
    // the classes would not add up to the whole
    const merged = checkResult(mergeResults([stored, run(streams, { seed: 2 }).result], { as: 'replications' }))
    expect(merged.firstMs).toBeDefined()
    expect(classIn(merged, 'checkout')).not.toHaveProperty('firstMs')
  })
})

describe('first and between of a class in a budget', () => {
  const check = (result: Result, budget: Budget) => checkBudget(result, { errorRate: '100%', ...budget }).rules[1]

  it('are judged as those of all requests, by its own', () => {
    const p50 = checkout.firstMs?.p50 as number
    expect(check(streamed, { 'checkout.first.p50': p50 + 1 })).toMatchObject({
      ...{ verdict: 'pass', metric: 'checkout.first.p50', observed: p50 },
    })
    expect(check(streamed, { 'checkout.first.p50': p50 - 1 })?.verdict).toBe('fail')
    expect(check(streamed, { 'checkout.between.max': 2 })).toMatchObject({
      verdict: 'pass',
      reason: `the maximum of ${times('checkout', 'between').length.toLocaleString('en')} gaps; a longer run can only raise it`,
    })
    expect(check(streamed, { 'checkout.between.mean': '1ms' })?.observed).toBe(checkout.betweenMs?.mean)
    // `latency` may be left out
    expect(check(streamed, { 'checkout.latency.p90': '10ms' })).toEqual(check(streamed, { 'checkout.p90': '10ms' }))
  })

  it('are inconclusive if no response of the class has them', () => {
    const named = "it is unknown when responses of the class 'checkout' began: an HTTP response needs a body"
    expect(check(run(silent).result, { 'checkout.first.p99': '1s' })).toMatchObject({
      ...{ verdict: 'inconclusive', observed: null },
      reason: expect.stringContaining(named),
    })
    expect(check(run(silent).result, { 'checkout.between.p99': '1s' })?.reason).toContain(
      "it is unknown how far apart events of the class 'checkout' were",
    )
  })

  it('are limits of goodput too, for each class by itself', () => {
    const { result, served } = run(streams, { good: { first: 3, between: 1 } })
    for (const name of ['checkout', 'browse']) {
      const own = served.filter((each) => each.class === name)
      const good = own.filter(
        // a response without a beginning begins at its end
        ({ first, between, latencyMs }) => (first[0] ?? latencyMs) <= 3 && Math.max(0, ...between) <= 1,
      ).length
      expect(good).toBeGreaterThan(0)
      expect(classIn(result, name).counts.good).toBe(good)
      expect(checkBudget(result, { [`${name}.goodput`]: '10%' }).rules[0]?.observed).toBe(good / own.length)
    }
  })

  it.each<[Budget, string]>([
    [
      { 'checkout.queueing.p95': 1 },
      "budget.checkout.queueing.p95: limits queueing of the class 'checkout': of a class only latency, first, between are recorded, got 1",
    ],
    [
      { 'chekout.first.p99': 1 },
      "budget.chekout.first.p99: limits the class 'chekout', which no request has (did you mean 'checkout.first.p99'?); classes: checkout, browse",
    ],
    [{ 'checkout.frist.p99': 1 }, "(did you mean 'checkout.first.p99'?)"],
    [{ 'checkout.first.p999': 1 }, "write 'checkout.first.p99.9'"],
    [{ 'checkout.first.p100': 1 }, "write 'checkout.first.max' for the maximum"],
    [{ 'checkout.first.p99': '1/s' }, 'budget.checkout.first.p99: must be a time'],
    [{ 'checkout.first.errorRate': '1%' } as never, 'budget.checkout.first.errorRate: is an unknown budget metric'],
    [{ 'first.between.p99': 1 }, 'budget.first.between.p99: is an unknown budget metric'],
  ])('are refused: %j', (budget, message) => {
    expect(() => checkBudget(streamed, budget)).toThrow(message)
  })

  it('are refused where they cannot be known', async () => {
    const budget = { 'checkout.first.p99': '1s' }
    const refused =
      'checkout.first.p99: cannot be simulated: only a measurement knows when a response begins and its events arrive'
    const given = { arrivals: '100/s', service: '1ms', classes }
    await expect(headroom(given, budget)).rejects.toThrow(`budget.${refused}`)
    await expect(tune(given, { budget })).rejects.toThrow(`budget.${refused}`)
    expect(() => simulate({ ...given, stop: { budget } })).toThrow(`stop.budget.${refused}`)
    const measured = { arrivals: 1, classes, http: { url: 'http://127.0.0.1/' } }
    const between = { 'checkout.between.p99': '1s' }
    expect(() => resolveScenario({ ...measured, stop: { budget: between } }, 'measure')).toThrow(
      'stop.budget.checkout.between.p99: needs http.stream',
    )
  })

  it('take no class whose name reads as a time', () => {
    const named = (name: string) => () => simulate({ arrivals: 1, service: 1, classes: { [name]: {}, browse: {} } })
    expect(named('first')).toThrow(
      "classes.first: must have a different name, because 'first.p99' in a budget limits all requests",
    )
    expect(named('api.first')).toThrow(
      "classes.api.first: must not end in '.first': in a budget, 'api.first.p99' is a time of the class 'api'",
    )
    const dotted = simulate({
      ...{ arrivals: '100/s', service: '1ms', stop: { requests: 2000 } },
      classes: { 'GET /a.b': {}, 'first.page': {} },
    })
    expect(
      checkBudget(dotted, { 'GET /a.b.p99': 100, 'first.page.max': 100 }).rules.map(({ verdict }) => verdict),
    ).toEqual(['pass', 'pass', 'pass'])
  })
})
