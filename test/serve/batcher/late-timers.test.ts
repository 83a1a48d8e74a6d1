import { describe, expect, it } from 'vitest'
import type { BatcherError } from '../../../src/serve/batcher/batcher-error.js'
import { LiveBatcher } from '../../../src/serve/batcher/live-batcher.js'
import { ScriptedServers } from '../scripted-servers.js'
import { VirtualTime } from '../virtual-time.js'

const NEVER = Number.POSITIVE_INFINITY

/** A batcher in virtual time. Each batch is noted when it starts, and served until `finish`. */
function batcherOf({
  maxBatchSize = 4,
  maxWait = 0,
  timeout = NEVER,
  capacity = NEVER,
  servers = 1,
  hasRecorder = true,
}) {
  const time = new VirtualTime()
  const started: [ns: number, inputs: unknown[]][] = []
  const recorded: number[][] = []
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
    batch: (_: number, ...times: number[]) => recorded.push(times.map((ms) => Math.round(ms * 1e6))),
  }
  const limits = { capacity, timeoutNs: timeout, batchTimeoutNs: NEVER }
  const batcher = new LiveBatcher(
    { maxBatchSize, maxWaitNs: maxWait },
    limits,
    scripted,
    hasRecorder ? recorder : null,
    time,
    0,
  )
  const outcomes: Record<string, unknown> = {}
  return {
    started,
    recorded,
    batcher,
    outcomes,
    run(atNs: number, input: string, signal: AbortSignal | null = null, timeoutNs?: number) {
      time.nowNs = atNs
      batcher.run(input, signal, timeoutNs).then(
        (output) => (outcomes[input] = output),
        (error: BatcherError) => (outcomes[input] = error.code ?? error),
      )
    },
    fire(atNs: number) {
      time.nowNs = atNs
      time.fire()
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

describe('an alarm that fires late', () => {
  it('lets a batch leave as of its deadline, and dispatches it late', () => {
    const { run, fire, finish, started, recorded, alarmNs } = batcherOf({ maxWait: 50 })
    run(10, 'a')
    run(30, 'b')
    expect(alarmNs()).toBe(60)
    fire(75)
    finish(90)
    expect(started).toEqual([[75, ['a', 'b']]])
    // idle since, left, started, ended
    expect(recorded).toEqual([[0, 60, 75, 90]])
  })

  it('lets calls that come before it fires join the batch', () => {
    const { run, settle, finish, started, recorded } = batcherOf({ maxWait: 50 })
    run(10, 'a')
    run(70, 'b')
    settle()
    finish(90)
    expect(started).toEqual([[70, ['a', 'b']]])
    expect(recorded).toEqual([[0, 70, 70, 90]])
  })

  it('serves no call that has waited too long', async () => {
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

  it('times out no call that could have left before its timeout', () => {
    const { run, fire, started } = batcherOf({ maxWait: 15, timeout: 20 })
    run(10, 'a')
    fire(100)
    expect(started).toEqual([[100, ['a']]])
  })

  it('times out a call that could not have left before its timeout, though its deadline has passed too', async () => {
    const { run, fire, started, outcomes, settled } = batcherOf({ maxWait: 30, timeout: 20 })
    run(10, 'a')
    fire(100)
    await settled()
    expect(started).toEqual([])
    expect(outcomes).toEqual({ a: 'QUEUE_TIMEOUT' })
  })
})

describe('without a recorder, the clock is not read for each call, but', () => {
  it('is for calls that wait for a busy server: each has a deadline of its own', () => {
    const { run, settle, finish, fire, started, alarmNs } = batcherOf({
      maxBatchSize: 2,
      maxWait: 50,
      hasRecorder: false,
    })
    run(0, 'a')
    run(0, 'b')
    settle()
    // by one piece of code
    run(10, 'c')
    run(20, 'd')
    run(30, 'e')
    finish(40)
    finish(45)
    // the deadline of the first, which has left
    fire(50)
    expect(alarmNs()).toBe(80)
    fire(80)
    expect(started.map(([ns]) => ns)).toEqual([0, 40, 80])
  })

  it('is after the code that calls: a deadline that has passed by then is kept', () => {
    const { run, settle, started } = batcherOf({ maxWait: 50, hasRecorder: false })
    run(10, 'a')
    run(70, 'b')
    settle()
    expect(started).toEqual([[70, ['a', 'b']]])
  })

  it('is if the first may be aborted', () => {
    const { run, settle, fire, started } = batcherOf({ maxBatchSize: 3, maxWait: 50, servers: 2, hasRecorder: false })
    const controller = new AbortController()
    for (const input of ['a', 'b', 'c']) run(0, input)
    run(10, 'd', controller.signal)
    run(20, 'e')
    settle()
    controller.abort()
    fire(50)
    fire(60)
    expect(started).toEqual([[20, ['a', 'b', 'c']]])
    fire(70)
    expect(started[1]).toEqual([70, ['e']])
  })
})

describe('a call may have a timeout of its own', () => {
  it('shorter or longer than that of the queue, in whatever order they come', async () => {
    const { run, settle, fire, outcomes, alarmNs, settled } = batcherOf({ timeout: 50 })
    run(0, 'served')
    settle()
    run(10, 'as the queue')
    run(11, 'longer', null, 100)
    run(12, 'shorter', null, 5)
    run(13, 'never', null, NEVER)
    expect(alarmNs()).toBe(17)
    fire(17)
    fire(60)
    await settled()
    expect(outcomes).toEqual({ shorter: 'QUEUE_TIMEOUT', 'as the queue': 'QUEUE_TIMEOUT' })
    expect(alarmNs()).toBe(111)
  })
})

describe('a call that is aborted', () => {
  it('before its batch starts never runs, and the server takes the next batch', async () => {
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

  it('frees its place in the queue, and the deadline is that of the next call', async () => {
    const controller = new AbortController()
    const { run, fire, started, alarmNs } = batcherOf({ maxWait: 50, capacity: 1 })
    run(0, 'a', controller.signal)
    controller.abort()
    run(20, 'b')
    fire(50)
    expect(started).toEqual([])
    expect(alarmNs()).toBe(70)
    fire(70)
    expect(started).toEqual([[70, ['b']]])
  })

  it('while it is served is rejected at once, and its output is dropped', async () => {
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
