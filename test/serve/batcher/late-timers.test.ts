import { describe, expect, it } from 'vitest'
import type { BatcherError } from '../../../src/serve/batcher/batcher-error.js'
import { LiveBatcher } from '../../../src/serve/batcher/live-batcher.js'
import { ScriptedServers } from '../scripted-servers.js'
import { VirtualTime } from '../virtual-time.js'

const NEVER = Number.POSITIVE_INFINITY

/** A batcher whose time the test sets. Each batch is told with when it started, and served until `finish`. */
function batcherOf({ maxBatchSize = 4, maxWait = 0, timeout = NEVER, capacity = NEVER, servers = 1, recorded = true }) {
  const time = new VirtualTime()
  const started: [ns: number, inputs: unknown[]][] = []
  const told: number[][] = []
  const finishes: (() => void)[] = []
  const scripted = new ScriptedServers(servers, (batch, inputs) => {
    started.push([time.nowNs, inputs])
    finishes.push(() => batch.answer(inputs))
  })
  const nothing = () => {}
  const recorder = {
    arrived: nothing,
    served: nothing,
    failed: nothing,
    rejected: nothing,
    timedOut: nothing,
    aborted: nothing,
    batch: (_: number, ...times: number[]) => told.push(times.map((ms) => Math.round(ms * 1e6))),
  }
  const limits = { capacity, timeoutNs: timeout, batchTimeoutNs: NEVER }
  const batcher = new LiveBatcher(
    { maxBatchSize, maxWaitNs: maxWait },
    limits,
    scripted,
    recorded ? recorder : null,
    time,
    0,
  )
  const outcomes: Record<string, unknown> = {}
  return {
    started,
    told,
    batcher,
    outcomes,
    run(atNs: number, input: string, signal: AbortSignal | null = null, timeoutNs?: number) {
      time.nowNs = atNs
      batcher.run(input, signal, timeoutNs).then(
        (output) => (outcomes[input] = output),
        (error: BatcherError) => (outcomes[input] = error.code ?? error),
      )
    },
    ring(atNs: number) {
      time.nowNs = atNs
      time.rings()
      time.settle()
    },
    finish(atNs: number) {
      time.nowNs = atNs
      finishes.shift()?.()
      time.settle()
    },
    settle: () => time.settle(),
    alarmNs: () => time.alarmNs,
    settled: () => new Promise((resolve) => setImmediate(resolve)),
  }
}

describe('a timer that rings late', () => {
  it('lets a batch go that left at its deadline, and is dispatched late', () => {
    const { run, ring, finish, started, told, alarmNs } = batcherOf({ maxWait: 50 })
    run(10, 'a')
    run(30, 'b')
    expect(alarmNs()).toBe(60)
    ring(75)
    finish(90)
    expect(started).toEqual([[75, ['a', 'b']]])
    // idle since the beginning, left, started, ended
    expect(told).toEqual([[0, 60, 75, 90]])
  })

  it('takes with a batch who comes before it rings', () => {
    const { run, settle, finish, started, told } = batcherOf({ maxWait: 50 })
    run(10, 'a')
    run(70, 'b')
    settle()
    finish(90)
    expect(started).toEqual([[70, ['a', 'b']]])
    expect(told).toEqual([[0, 70, 70, 90]])
  })

  it('serves nobody who has waited for too long', async () => {
    const { run, settle, finish, started, outcomes, settled } = batcherOf({ timeout: 20 })
    run(0, 'a')
    settle()
    run(10, 'b')
    run(25, 'c')
    finish(40)
    await settled()
    expect(started).toEqual([
      [0, ['a']],
      [40, ['c']],
    ])
    expect(outcomes).toEqual({ a: 'a', b: 'QUEUE_TIMEOUT' })
  })

  it('times nobody out who could have left before', () => {
    const { run, ring, started } = batcherOf({ maxWait: 15, timeout: 20 })
    run(10, 'a')
    ring(100)
    expect(started).toEqual([[100, ['a']]])
  })

  it('times out who could not have left before, though its deadline is over as well', async () => {
    const { run, ring, started, outcomes, settled } = batcherOf({ maxWait: 30, timeout: 20 })
    run(10, 'a')
    ring(100)
    await settled()
    expect(started).toEqual([])
    expect(outcomes).toEqual({ a: 'QUEUE_TIMEOUT' })
  })
})

describe('without a recorder, the clock that is not read for each call', () => {
  it('is for those that wait for a busy server: their deadlines are their own', () => {
    const { run, settle, finish, ring, started, alarmNs } = batcherOf({ maxBatchSize: 2, maxWait: 50, recorded: false })
    run(0, 'a')
    run(0, 'b')
    settle()
    // in one stretch
    run(10, 'c')
    run(20, 'd')
    run(30, 'e')
    finish(40)
    finish(45)
    // the first one's, long gone
    ring(50)
    expect(alarmNs()).toBe(80)
    ring(80)
    expect(started.map(([ns]) => ns)).toEqual([0, 40, 80])
  })

  it('is once what runs when they come has come to its end: a deadline that is over by then is kept', () => {
    const { run, settle, started } = batcherOf({ maxWait: 50, recorded: false })
    run(10, 'a')
    run(70, 'b')
    settle()
    expect(started).toEqual([[70, ['a', 'b']]])
  })

  it('is where the first may be given up', () => {
    const { run, settle, ring, started } = batcherOf({ maxBatchSize: 3, maxWait: 50, servers: 2, recorded: false })
    const controller = new AbortController()
    for (const input of ['a', 'b', 'c']) run(0, input)
    run(10, 'd', controller.signal)
    run(20, 'e')
    settle()
    controller.abort()
    ring(50)
    ring(60)
    expect(started).toEqual([[20, ['a', 'b', 'c']]])
    ring(70)
    expect(started[1]).toEqual([70, ['e']])
  })
})

describe('a call may have a timeout of its own', () => {
  it('shorter or longer than that of the queue, whoever came first', async () => {
    const { run, settle, ring, outcomes, alarmNs, settled } = batcherOf({ timeout: 50 })
    run(0, 'served')
    settle()
    run(10, 'as the queue')
    run(11, 'longer', null, 100)
    run(12, 'shorter', null, 5)
    run(13, 'never', null, NEVER)
    expect(alarmNs()).toBe(17)
    ring(17)
    ring(60)
    await settled()
    expect(outcomes).toEqual({ shorter: 'QUEUE_TIMEOUT', 'as the queue': 'QUEUE_TIMEOUT' })
    expect(alarmNs()).toBe(111)
  })
})

describe('a call that is aborted', () => {
  it('before its handler is called never runs, and the server takes the next batch', async () => {
    const controller = new AbortController()
    const { run, settle, started, outcomes, settled } = batcherOf({ maxBatchSize: 1 })
    run(0, 'a', controller.signal)
    run(0, 'b')
    controller.abort('no more')
    settle()
    await settled()
    expect(started).toEqual([[0, ['b']]])
    expect(outcomes).toEqual({ a: 'no more' })
  })

  it('makes a place in the queue, and the deadline is that of the next', async () => {
    const controller = new AbortController()
    const { run, ring, started, alarmNs } = batcherOf({ maxWait: 50, capacity: 1 })
    run(0, 'a', controller.signal)
    controller.abort()
    run(20, 'b')
    ring(50)
    expect(started).toEqual([])
    expect(alarmNs()).toBe(70)
    ring(70)
    expect(started).toEqual([[70, ['b']]])
  })

  it('while it is served is rejected at once, and its answer is dropped', async () => {
    const controller = new AbortController()
    const { run, settle, finish, outcomes, settled, batcher } = batcherOf({})
    run(0, 'a', controller.signal)
    settle()
    controller.abort('no more')
    await settled()
    expect(outcomes).toEqual({ a: 'no more' })
    expect(batcher.inService).toBe(1)
    finish(10)
    expect(batcher.inService).toBe(0)
  })
})
