import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkBudget } from '../../src/budget/check.js'
import { measure } from '../../src/measure/measure.js'
import { FailureKinds } from '../../src/measure/recording/failure-kinds.js'
import { checkResult } from '../../src/result/check.js'
import type { ClassResult } from '../../src/result/classes.js'
import { MOST_KINDS } from '../../src/result/failures.js'
import { resultOf } from '../../src/result/result.js'
import { summarize } from '../../src/result/runs.js'
import { constant } from '../../src/scenario/arrivals/arrivals.js'
import { drawnClasses } from '../../src/scenario/request-classes.js'
import { simulate } from '../../src/simulate/simulate.js'
import { atLength } from '../support/at-length.js'
import { seeded } from '../support/reference/small-scenarios.js'
import { dueTimes, queues, runOnTwoServers } from '../support/virtual-time/two-servers.js'

const classes = { checkout: { weight: 1 }, browse: { weight: 2 } }
describe('classes and failures of a measurement', () => {
  it('in virtual time are those of a simulation, and of its requests one by one', { tags: 'at-length' }, () => {
    let failing = 0
    fc.assert(
      fc.property(dueTimes(8), queues, fc.boolean(), fc.boolean(), (timestamps, queue, fails, judged) => {
        const parts = { classes, queue, ...(judged && { good: { latency: 15 } }) }
        const { scenario, isFailed, run, recording } = runOnTwoServers(timestamps, fails, parts)
        if (recording.counts.completed === 0 || recording.endNs <= recording.startNs) return
        const result = resultOf(recording)
        expect(checkResult(JSON.parse(JSON.stringify(result)))).toEqual(result)

        const { names, classOf } = drawnClasses(classes, 1)
        const all = run.served.flatMap(({ requests, due, endNs }) =>
          requests.map((number, i) => ({ number, ms: (endNs - (due[i] as number)) / 1e6 })),
        )
        const inWindow = all.filter(({ number }) => number >= 3)
        const failed = inWindow.filter(({ number }) => isFailed(number))
        const byKind: Record<string, number> = {}
        for (const { number } of failed) {
          const kind = `status ${500 + (number % 5)}`
          byKind[kind] = (byKind[kind] ?? 0) + 1
        }
        expect(result.failures ?? {}).toEqual(byKind)
        expect(result.failedMs?.p50).toBe(failed.length === 0 ? undefined : summarize(failed.map(({ ms }) => ms)).p50)
        if (failed.length > 0) failing++
        names.forEach((name, place) => {
          const own = inWindow.filter(({ number }) => classOf(number) === place)
          const completed = own.filter(({ number }) => !isFailed(number)).map(({ ms }) => ms)
          const { counts, latencyMs } = (result.classes as Record<string, ClassResult>)[name] as ClassResult
          expect(counts.completed).toBe(completed.length)
          expect(counts.failed).toBe(own.length - completed.length)
          expect(counts.good).toBe(judged ? completed.filter((ms) => ms <= 15).length : undefined)
          expect(latencyMs?.p90).toBe(completed.length === 0 ? undefined : summarize(completed).p90)
        })
        if (fails) return
        const simulated = simulate({ ...scenario, service: { model: 'affine', base: 5, perItem: 1 } })
        const counted = ({ classes }: typeof result) =>
          Object.values(classes as Record<string, ClassResult>).map(({ counts, rates, latencyMs }) => ({
            ...{ counts, rates },
            latency: latencyMs && { ...latencyMs, intervals: null },
          }))
        expect(counted(simulated)).toEqual(counted(result))
      }),
      seeded(atLength(150, 50)),
    )
    expect(failing).toBeGreaterThan(atLength(20, 6))
  })

  // on the real clock, these hold on a machine of any speed
  it('of a function are exact, and it knows the class of each request', async () => {
    const { names, classOf } = drawnClasses(classes, 5)
    const wrong: number[] = []
    const call = (index: number, context: { class?: string | undefined }) => {
      if (context.class !== names[classOf(index)]) wrong.push(index)
      if (index % 10 === 3) throw Object.assign(new Error('reset'), { code: 'ECONNRESET' })
      if (index % 10 === 7) return Object.assign(new Error('out'), { kind: 'check: out of stock' })
      if (index % 50 === 1) throw new TypeError('no')
      return index
    }
    const result = await measure({ arrivals: '2000/s', classes, call, seed: 5, stop: { requests: 500 } })
    expect(wrong).toEqual([])
    expect(result.failures).toEqual({ 'check: out of stock': 45, ECONNRESET: 45, TypeError: 9 })
    expect(result.failedMs?.count).toBe(99)
    for (const [place, name] of names.entries()) {
      const numbers = Array.from({ length: 450 }, (_, i) => i + 50).filter((number) => classOf(number) === place)
      expect(result.classes?.[name]?.counts.offered).toBe(numbers.length)
      const failed = numbers.filter((n) => n % 10 === 3 || n % 10 === 7 || n % 50 === 1).length
      expect(result.classes?.[name]?.counts.failed).toBe(failed)
    }
    expect(checkResult(JSON.parse(JSON.stringify(result)))).toEqual(result)
  })

  it('allows no errors of a class that failed completely', async () => {
    const broken = await measure({
      arrivals: constant('1000/s'),
      ...{ stop: { requests: 40 }, warmup: { requests: 0 } },
      classes: { works: {}, fails: {} },
      call: (_, context) => {
        if (context.class === 'fails') throw new Error('down')
      },
    })
    expect(broken.classes?.fails?.counts).toMatchObject({ completed: 0 })
    const { verdict, rules } = checkBudget(broken, { 'works.errorRate': '1%' })
    expect(rules[1]).toMatchObject({ metric: 'fails.errorRate', observed: 1, verdict: 'fail', implied: true })
    expect(verdict).toBe('fail')
  })

  it('on threads are exact, and their handlers know the class of each request', async () => {
    const handler = new URL('./handlers/fails-by-class.js', import.meta.url)
    const scenario = { arrivals: '2000/s', classes, handler, servers: 2, stop: { requests: 500 } }
    const result = await measure({ ...scenario, batching: { maxBatchSize: 8 } })
    const { checkout, browse } = result.classes as Record<'checkout' | 'browse', ClassResult>
    const { counts } = checkout
    // checkouts fail, and nothing else does
    expect(counts).toMatchObject({ completed: 0, failed: counts.offered })
    expect(checkout.latencyMs).toBeNull()
    expect(result.failures).toEqual({ 'no stock': counts.offered })
    expect(browse.counts.failed).toBe(0)
    const { rules } = checkBudget(result, {
      'checkout.p99': '1h',
      'checkout.errorRate': '100%',
      'checkout.mean': '>= 1ms',
    })
    const reason = `none of the ${counts.offered} requests of the class 'checkout' completed`
    expect(rules[0]).toMatchObject({ verdict: 'fail', observed: null, reason })
    expect(rules[1]).toMatchObject({ verdict: 'pass', observed: 1 })
    expect(rules[2]).toMatchObject({ verdict: 'inconclusive', observed: null })
  })
})

describe('kinds of failures', () => {
  it('beyond the most are counted as other, and another thread continues where the first one ended', () => {
    const buffer = new SharedArrayBuffer(64 + FailureKinds.bytes)
    const first = new FailureKinds(buffer, 64)
    const fail = (kinds: FailureKinds, kind: string) => kinds.add(kinds.placeOf(kind))
    for (let i = 0; i < 10; i++) fail(first, `kind ${i}`)
    const second = new FailureKinds(buffer, 64)
    fail(second, 'kind 3')
    for (let i = 0; i < 100; i++) fail(second, `später ${i}`)
    const { counts } = first
    expect(counts['kind 3']).toBe(2)
    expect(counts['später 0']).toBe(1)
    expect(Object.keys(counts)).toHaveLength(MOST_KINDS)
    expect(Object.values(counts).reduce((sum, each) => sum + each, 0)).toBe(111)
  })

  it("of an error's own kind 'other' are counted with the rest", () => {
    const kinds = new FailureKinds(new SharedArrayBuffer(FailureKinds.bytes), 0)
    kinds.add(kinds.placeOf('other'))
    for (let i = 0; i < 40; i++) kinds.add(kinds.placeOf(`kind ${i}`))
    expect(kinds.counts.other).toBe(12)
    expect(Object.values(kinds.counts).reduce((sum, each) => sum + each, 0)).toBe(41)
  })
})
