import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  affine,
  exponential,
  poisson,
  type Scenario,
  type ScenarioParts,
  type SimulationEvent,
} from '../../../src/index.js'
import { buildPolicy } from '../../../src/scenario/batching-policy.js'
import { resolveScenario } from '../../../src/scenario/scenario.js'
import { BatcherError } from '../../../src/serve/batcher/batcher-error.js'
import { LiveBatcher } from '../../../src/serve/batcher/live-batcher.js'
import type { RecorderSink } from '../../../src/serve/batcher/recorder-sink.js'
import { Engine } from '../../../src/simulate/engine.js'
import { atLength } from '../../support/at-length.js'
import { dueTimesOf } from '../../support/reference/simulate-with-events.js'
import { openScenario, seeded } from '../../support/reference/small-scenarios.js'
import { Agenda, ScriptedServers } from '../scripted-servers.js'
import { VirtualTime } from '../virtual-time.js'

const ns = (ms: number) => Math.round(ms * 1e6)
const NEVER = Number.POSITIVE_INFINITY

/** What happened, in order, in whole nanoseconds. */
interface Story {
  batches: { startNs: number; endNs: number; requests: number[] }[]
  timeouts: { atNs: number; request: number }[]
  rejects: { atNs: number; request: number }[]
}

function runSimulated(scenario: Scenario): Story {
  const events: SimulationEvent[] = []
  // the engine alone: a Result of each would take most of the time
  new Engine(resolveScenario(scenario, 'simulate'), (event) => events.push(event)).run()
  const of = (type: SimulationEvent['type']) =>
    events.flatMap((event) =>
      event.type === type && event.type !== 'batch' ? [{ atNs: ns(event.atMs), request: event.request }] : [],
    )
  return {
    batches: events.flatMap((event) =>
      event.type === 'batch' ? [{ startNs: ns(event.startMs), endNs: ns(event.endMs), requests: event.requests }] : [],
    ),
    timeouts: of('timeout'),
    rejects: of('reject'),
  }
}

/** A sink that ignores everything else. */
const sinkOf = (methods: Partial<RecorderSink>): RecorderSink => ({
  arrived() {},
  batch() {},
  served() {},
  failed() {},
  rejected() {},
  timedOut() {},
  aborted() {},
  ...methods,
})

/**
 * The same requests in a live batcher, in virtual time; of what happens at one instant, completions come before calls
 * and calls before the alarm.
 *
 * @param serviceNs how long each batch takes, in the order in which they start
 * @param recorded whether there is a recorder, for which every call is timed; without one, the calls of one instant are
 * made by one piece of code, during which no batch starts
 */
async function runLive(
  dues: number[],
  { batching, servers = 1, queue }: Scenario,
  serviceNs: (size: number) => number,
  recorded = true,
): Promise<Story> {
  const story: Story = { batches: [], timeouts: [], rejects: [] }
  const timedOutNs: number[] = []
  const completions = new Agenda()
  const time = new VirtualTime()
  const served = new ScriptedServers(servers as number, (batch, inputs) => {
    const endNs = time.nowNs + serviceNs(inputs.length)
    story.batches.push({ startNs: time.nowNs, endNs, requests: inputs as number[] })
    completions.add(endNs, () => batch.answer(inputs))
  })
  const policy = buildPolicy({
    maxBatchSize: batching?.maxBatchSize === undefined ? 1 : batching.maxBatchSize,
    maxWait: (batching?.maxWait ?? 0) as number,
  })
  const limits = {
    capacity: queue?.capacity ?? NEVER,
    timeoutNs: queue?.timeout == null ? NEVER : ns(queue.timeout as number),
    batchTimeoutNs: NEVER,
  }
  const recorder = recorded ? sinkOf({ timedOut: () => timedOutNs.push(time.nowNs) }) : null
  const batcher = new LiveBatcher(policy, limits, served, recorder, time, 0)

  let events = 0
  const timedOut: number[] = []
  const calls: Promise<unknown>[] = []
  for (;;) {
    const dueNs = dues[calls.length] ?? NEVER
    const nowNs = Math.min(completions.firstNs, dueNs, time.alarmNs)
    if (nowNs === NEVER) break
    if (nowNs < time.nowNs || ++events > 20 * dues.length) throw new Error('the alarm was set for the past')
    time.nowNs = nowNs
    if (completions.firstNs === nowNs) completions.act()
    else if (dueNs === nowNs) {
      const request = calls.length
      const call = batcher.run(request, null, undefined)
      calls.push(
        call.catch((error: unknown) => {
          if (!(error instanceof BatcherError)) throw error
          if (error.code === 'QUEUE_FULL') story.rejects.push({ atNs: dueNs, request })
          else timedOut.push(request)
          return request
        }),
      )
      if (!recorded && dues[calls.length] === nowNs) continue
    } else time.fire()
    time.settle()
  }
  // each call gets its own output
  expect(await Promise.all(calls)).toEqual(calls.map((_, request) => request))
  story.timeouts = timedOut.map((request, i) => ({ atNs: timedOutNs[i] as number, request }))
  expect([batcher.waiting, batcher.inService]).toEqual([0, 0])
  return story
}

describe('a live batcher forms the same batches as the simulation', () => {
  const finite = openScenario.filter(({ batching }) => batching.maxWait !== null)

  it('on scripted arrivals with many ties, with limits and several servers', { tags: 'at-length' }, async () => {
    await fc.assert(
      fc.asyncProperty(finite, async (scenario) => {
        const { arrivals, service } = scenario
        const expected = runSimulated({ ...scenario, warmup: { requests: 0 } })
        const { base, perItem } = service
        const { batches, timeouts, rejects } = expected
        const requests = batches.flatMap((batch) => batch.requests).length + timeouts.length + rejects.length
        const dues = (arrivals as { timestamps: number[] }).timestamps.slice(0, requests).map(ns)
        expect(await runLive(dues, scenario, (size) => ns(base + perItem * size))).toEqual(expected)
      }),
      seeded(atLength(400)),
    )
  })

  it('without a recorder, on scripted arrivals with many at one instant', { tags: 'at-length' }, async () => {
    await fc.assert(
      fc.asyncProperty(finite, async (given) => {
        // only a recorder knows when a call times out
        const scenario = { ...given, queue: { ...given.queue, timeout: null } }
        const expected = runSimulated({ ...scenario, warmup: { requests: 0 } })
        const { base, perItem } = scenario.service
        const requests = expected.batches.flatMap((batch) => batch.requests).length + expected.rejects.length
        const dues = (scenario.arrivals as { timestamps: number[] }).timestamps.slice(0, requests)
        expect(await runLive(dues.map(ns), scenario, (size) => ns(base + perItem * size), false)).toEqual(expected)
      }),
      seeded(atLength(200)),
    )
  })

  it.each([
    ['one at a time', {}],
    ['what is there', { batching: { maxBatchSize: 8 }, servers: 2 }],
    ['a wait of 3 ms', { batching: { maxBatchSize: 8, maxWait: 3 } }],
    ['a full queue', { batching: { maxBatchSize: 4, maxWait: 2 }, queue: { capacity: 5, timeout: 7 }, servers: 2 }],
  ] as [string, Partial<ScenarioParts>][])('on Poisson arrivals and service times that vary: %s', async (_, given) => {
    const scenario = {
      arrivals: poisson('900/s'),
      service: affine({ base: 1, perItem: 0.5, variation: exponential() }),
      stop: { requests: 2000 },
      warmup: { requests: 0 },
      ...given,
    }
    const expected = runSimulated(scenario)
    const times = expected.batches.map(({ startNs, endNs }) => endNs - startNs)
    let started = 0
    expect(await runLive(dueTimesOf(scenario).map(ns), scenario, () => times[started++] as number)).toEqual(expected)
  })
})
