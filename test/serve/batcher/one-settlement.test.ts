import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LiveBatch } from '../../../src/serve/batcher/live-batch.js'
import { LiveBatcher } from '../../../src/serve/batcher/live-batcher.js'
import type { RecorderSink } from '../../../src/serve/batcher/recorder-sink.js'
import { atLength } from '../../support/at-length.js'
import { Agenda, ScriptedServers } from '../scripted-servers.js'
import { VirtualTime } from '../virtual-time.js'

/*
 * Whatever callers and handlers do, and however late timers fire, each call is settled once, none is lost, none runs
 * twice, and nothing is left. Times are on a coarse grid, so that ties are common.
 */

const NEVER = Number.POSITIVE_INFINITY
const LONG = 40

const REFUSED = ['AbortError', 'QUEUE_FULL', 'QUEUE_TIMEOUT', 'CLOSED']
const OUTCOMES = ['answered', 'Error', 'BAD_OUTPUT', 'BATCH_TIMEOUT', ...REFUSED]

const orNever = (max: number) => fc.option(fc.integer({ min: 1, max }), { nil: NEVER, freq: 2 })

/** What a handler does with a batch, and after how long. */
const behaviour = fc.record({
  what: fc.constantFrom(
    'answers',
    'answers',
    'answers',
    'some fail',
    'throws',
    'too few',
    'no array',
    'hangs',
    'twice',
  ),
  after: fc.nat({ max: 12 }),
})

const schedule = fc.record({
  servers: fc.integer({ min: 1, max: 3 }),
  maxBatchSize: fc.option(fc.integer({ min: 1, max: 5 }), { nil: NEVER, freq: 4 }),
  maxWait: fc.nat({ max: 10 }),
  capacity: fc.option(fc.nat({ max: 5 }), { nil: NEVER, freq: 2 }),
  timeout: orNever(20),
  calls: fc.array(fc.record({ gap: fc.nat({ max: 4 }), timeout: orNever(10), abortAfter: orNever(15) }), {
    minLength: 1,
    maxLength: 16,
  }),
  behaviours: fc.array(behaviour, { minLength: 1, maxLength: 8 }),
  /** how late the alarm fires, in turn */
  late: fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 4 }),
  closeAt: orNever(80),
  closeTimeout: fc.option(fc.nat({ max: 20 }), { nil: NEVER }),
  /** without a recorder the clock is read less often */
  recorded: fc.boolean(),
})
type Schedule = typeof schedule extends fc.Arbitrary<infer T> ? T : never

class Count implements RecorderSink {
  arrivals = 0
  inBatches = 0
  outcomes = { served: 0, failed: 0, rejected: 0, timedOut: 0, aborted: 0 }
  arrived = () => this.arrivals++
  batch = (size: number, idleMs: number, leaveMs: number, startMs: number, endMs: number) => {
    this.inBatches += size
    if (!(idleMs <= leaveMs && leaveMs <= startMs && startMs <= endMs)) throw new Error('times are out of order')
  }
  served = () => this.outcomes.served++
  failed = () => this.outcomes.failed++
  rejected = () => this.outcomes.rejected++
  timedOut = () => this.outcomes.timedOut++
  aborted = () => this.outcomes.aborted++
}

/** Runs a schedule to its end, and returns what went wrong. */
async function faultsOf(given: Schedule): Promise<string[]> {
  const faults: string[] = []
  const agenda = new Agenda()
  const count = new Count()
  const ran: number[] = []
  const time = new VirtualTime()
  let batches = 0

  const serve = (batch: LiveBatch, inputs: unknown[]) => {
    ran.push(...(inputs as number[]))
    const { what, after } = given.behaviours[batches++ % given.behaviours.length] as (typeof given.behaviours)[number]
    if (what === 'hangs') return
    const outputs = {
      'some fail': inputs.map((input, i) => (i % 2 === 0 ? new Error('bad item') : input)),
      'too few': inputs.slice(1),
      'no array': 7,
    }[what as string]
    const end = () => (what === 'throws' ? batch.fail(new Error('threw')) : batch.answer(outputs ?? inputs))
    if (after === 0) end()
    else agenda.add(time.nowNs + after, end)
    if (what === 'twice') agenda.add(time.nowNs + after + 3, () => batch.fail(new Error('too late')))
  }
  const servers = new ScriptedServers(given.servers, serve)
  const policy = { maxBatchSize: given.maxBatchSize, maxWaitNs: given.maxWait }
  const limits = { capacity: given.capacity, timeoutNs: given.timeout, batchTimeoutNs: LONG }
  const batcher = new LiveBatcher(policy, limits, servers, given.recorded ? count : null, time, 0)

  const settled: string[][] = []
  let atNs = 0
  given.calls.forEach(({ gap, timeout, abortAfter }, call) => {
    atNs += gap
    agenda.add(atNs, () => {
      const { signal, abort } = abortable(abortAfter)
      if (abort !== null) agenda.add(time.nowNs + abortAfter, abort)
      settled[call] = []
      batcher.run(call, signal, timeout === NEVER ? undefined : timeout).then(
        (output) => settled[call]?.push(output === call ? 'answered' : `answered with ${output}`),
        (error: Error & { code?: unknown }) =>
          settled[call]?.push(typeof error.code === 'string' ? error.code : error.name),
      )
    })
  })
  let closed: string | null = null
  const close = () => {
    batcher.close(given.closeTimeout).then(
      () => (closed = 'closed'),
      (error) => (closed = String(error)),
    )
  }
  agenda.add(given.closeAt, close)

  let fired = 0
  for (let events = 0; ; events++) {
    const late = given.late[fired % given.late.length] as number
    const nowNs = Math.min(agenda.firstNs, Math.max(time.nowNs, time.alarmNs + late))
    if (nowNs === NEVER) break
    if (events > 2000) return ['it never ends']
    time.nowNs = nowNs
    if (agenda.firstNs === nowNs) agenda.act()
    else {
      fired++
      time.fire()
    }
    time.settle()
  }
  if (given.closeAt === NEVER) close()
  time.settle()
  await new Promise((resolve) => setImmediate(resolve))

  const { outcomes } = count
  settled.forEach((outcomes, call) => {
    if (outcomes.length !== 1) faults.push(`call ${call} was settled ${outcomes.length} times`)
    const [outcome = ''] = outcomes
    if (!OUTCOMES.includes(outcome)) {
      faults.push(`call ${call} was ${outcome}`)
    }
    const runs = ran.filter((input) => input === call).length
    if (runs > 1) faults.push(`call ${call} ran ${runs} times`)
    if (runs > 0 && /QUEUE/.test(outcome)) faults.push(`call ${call} ran, and was ${outcome}`)
    if (runs === 0 && /answered|^Error|BAD|BATCH/.test(outcome))
      faults.push(`call ${call} never ran, and was ${outcome}`)
  })
  const recorded = Object.values(outcomes).reduce((sum, each) => sum + each, 0)
  if (given.recorded && recorded !== count.arrivals)
    faults.push(`of ${count.arrivals} calls, ${recorded} were recorded`)
  const answered = settled.filter(([outcome]) => outcome === 'answered').length
  if (given.recorded && outcomes.served !== answered)
    faults.push(`${outcomes.served} were recorded as served, ${answered} were`)
  if (ran.some((call, i) => i > 0 && call < (ran[i - 1] as number))) faults.push(`calls ran in the order ${ran}`)
  if (closed !== 'closed') faults.push(`closing ended as ${closed}`)
  if (servers.closes !== 1) faults.push(`the servers were closed ${servers.closes} times`)
  if (batcher.waiting !== 0 || batcher.inService !== 0)
    faults.push(`${batcher.waiting} + ${batcher.inService} are left`)
  if (time.alarmNs !== NEVER) faults.push('the alarm is still set')
  return faults
}

function abortable(after: number): { signal: AbortSignal | null; abort: (() => void) | null } {
  if (after === NEVER) return { signal: null, abort: null }
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort() }
}

describe('each call is settled once', () => {
  const unhandled: unknown[] = []
  const note = (reason: unknown) => unhandled.push(reason)
  beforeAll(() => void process.on('unhandledRejection', note))
  afterAll(() => void process.off('unhandledRejection', note))

  it('whatever callers and handlers do, and however late timers fire', { tags: 'at-length' }, async () => {
    await fc.assert(
      fc.asyncProperty(schedule, async (given) => {
        const faults = await faultsOf(given)
        if (faults.length > 0) throw new Error(faults.join('\n'))
      }),
      { seed: 1, numRuns: atLength(10_000, 1000) },
    )
    expect(unhandled).toEqual([])
  })
})
