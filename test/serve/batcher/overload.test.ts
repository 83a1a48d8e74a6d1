import { expect, it } from 'vitest'
import { schedule } from '../../../src/scenario/arrivals/schedule.js'
import { LiveBatcher } from '../../../src/serve/batcher/live-batcher.js'
import { Agenda, ScriptedServers } from '../scripted-servers.js'
import { VirtualTime } from '../virtual-time.js'

const MS = 1e6
const NEVER = Number.POSITIVE_INFINITY

it('at twice its capacity a batcher keeps latency to what the queue holds, rejects the rest at once, and recovers', () => {
  // a batch of up to 8 takes 10 ms: 800 a second
  const serviceNs = 10 * MS
  const capacity = 16
  const completions = new Agenda()
  const latencies: { dueNs: number; latencyNs: number }[] = []
  const rejected: { dueNs: number; atNs: number }[] = []
  const time = new VirtualTime()
  const servers = new ScriptedServers(1, (batch, inputs) => {
    completions.add(time.nowNs + serviceNs, () => batch.answer(inputs))
  })
  const recorder = {
    arrived() {},
    batch() {},
    failed() {},
    timedOut() {},
    aborted() {},
    served: (dueMs: number) => latencies.push({ dueNs: dueMs * MS, latencyNs: time.nowNs - dueMs * MS }),
    rejected: (dueMs: number) => rejected.push({ dueNs: dueMs * MS, atNs: time.nowNs }),
  }
  const limits = { capacity, timeoutNs: NEVER, batchTimeoutNs: NEVER }
  const batcher = new LiveBatcher({ maxBatchSize: 8, maxWaitNs: 0 }, limits, servers, recorder, time, 0)

  const overNs = 10_000 * MS
  const heavy = schedule({ process: 'poisson', rate: 1600 }, 1)
  const light = schedule({ process: 'poisson', rate: 400 }, 2)
  let dueNs = heavy()
  while (Math.min(dueNs, completions.firstNs) < NEVER) {
    if (completions.firstNs <= dueNs) {
      time.nowNs = completions.firstNs
      completions.act()
    } else {
      time.nowNs = dueNs
      batcher.run(0, null, undefined).catch(() => {})
      dueNs = dueNs < overNs ? heavy() : overNs + light()
      if (dueNs >= overNs + 3000 * MS) dueNs = NEVER
    }
    time.settle()
  }

  const during = latencies.filter(({ dueNs }) => dueNs < overNs)
  const after = latencies.filter(({ dueNs }) => dueNs >= overNs)
  // the batch in flight, then the two that the queue holds
  expect(Math.max(...during.map(({ latencyNs }) => latencyNs))).toBeLessThanOrEqual(3 * serviceNs + 1)
  expect(during.length).toBeGreaterThan(0.98 * 8000)
  expect(rejected.filter(({ dueNs }) => dueNs < overNs).length).toBeGreaterThan(7000)
  for (const { dueNs, atNs } of rejected) expect(Math.abs(atNs - dueNs)).toBeLessThan(1)
  // none once the queue has been empty
  expect(rejected.filter(({ dueNs }) => dueNs > overNs + 100 * MS)).toEqual([])
  expect(after.length).toBeGreaterThan(1000)
  const recovered = after.filter(({ dueNs }) => dueNs > overNs + 1000 * MS)
  const slower = recovered.filter(({ latencyNs }) => latencyNs > 2 * serviceNs + 1)
  expect(slower.length).toBeLessThan(0.01 * recovered.length)
})
