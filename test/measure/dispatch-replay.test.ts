import { describe, expect, it } from 'vitest'
import type { ArrivalStream } from '../../src/measure/queue/arrivals.js'
import { DispatchReplay, type Limits, REPLAY_LENGTH } from '../../src/measure/queue/dispatch-replay.js'
import { WaitingRoom } from '../../src/measure/queue/waiting-room.js'

const NEVER = Number.POSITIVE_INFINITY

/** Requests that are due at these times; more may come after them, unless they are all. */
class Listed implements ArrivalStream {
  readonly beyondNs = NEVER
  readonly dues: number[]
  readonly isAll: boolean
  #next = 0
  constructor(dues: number[], isAll = false) {
    this.dues = dues
    this.isAll = isAll
  }
  catchUp(): void {}
  get nextDueNs(): number {
    return this.dues[this.#next] ?? NEVER
  }
  take(): number {
    this.#next++
    return -1
  }
  untilNs(count: number): number {
    const left = this.dues.length - this.#next
    const last = Math.min(count, this.isAll ? left : count)
    return last > 0 ? (this.dues[this.#next + last - 1] ?? NEVER) : NEVER
  }
  get overNs(): number {
    return this.isAll && this.#next === this.dues.length ? Number.NEGATIVE_INFINITY : NEVER
  }
  get nextIsLast(): boolean {
    return this.isAll && this.#next === this.dues.length - 1
  }
  respond(): void {}
}

type Dropped = [reason: string, number: number, atNs: number]

function replayOf(
  [maxBatchSize, maxWaitNs]: [number, number],
  arrivals: number[] | Listed,
  { limits = [NEVER, NEVER] }: { limits?: [number, number] } = {},
) {
  const [capacity, timeoutNs] = limits
  const dropped: Dropped[] = []
  const room = new WaitingRoom(new ArrayBuffer(WaitingRoom.bytes(Math.min(capacity, 15))))
  const parts = {
    policy: { maxBatchSize, maxWaitNs },
    arrivals: arrivals instanceof Listed ? arrivals : new Listed(arrivals),
    room,
    limits: { capacity, timeoutNs } satisfies Limits,
    sink: {
      arrive() {},
      drop: (reason: string, number: number, _due: number, atNs: number) => dropped.push([reason, number, atNs]),
    },
  }
  return { replay: new DispatchReplay(parts, new Float64Array(REPLAY_LENGTH)), dropped, room }
}

describe('when a batch leaves', () => {
  it.each([
    // what, [maxBatchSize, maxWait], requests, free since, now, [size, at, cause]
    ['greedy, an idle server: with the first request', [4, 0], [10, 12, 15], 5, 90, [1, 10, 'wake']],
    ['greedy, a busy server: with all that waited', [4, 0], [10, 12, 15], 20, 21, [3, 20, 'turnaround']],
    ['greedy, more than a batch: the oldest', [2, 0], [10, 12, 15], 20, 21, [2, 20, 'turnaround']],
    ['no limit: all of them', [NEVER, 0], [10, 12, 15, 16, 17], 20, 21, [5, 20, 'turnaround']],
    ['queued at the instant that the server is free: not with it', [4, 0], [10, 20], 20, 25, [1, 20, 'turnaround']],
    ['filled by the third, while the server waits', [3, 50], [10, 12, 15, 16], 5, 90, [3, 15, 'filled']],
    ['at the deadline of the oldest', [4, 50], [10, 12, 15], 5, 90, [3, 60, 'deadline']],
    ['at the deadline, without a request after it', [4, 50], [10, 12, 61], 5, 90, [2, 60, 'deadline']],
    ['at the deadline, with a request at that instant', [4, 50], [10, 12, 60], 5, 90, [3, 60, 'wake']],
    ['filled at the instant of the deadline', [3, 50], [10, 12, 60], 5, 90, [3, 60, 'filled']],
    ['the deadline is over when the server is free', [4, 50], [10, 70], 80, 90, [2, 80, 'turnaround']],
    ['the deadline is over when the server is free, to the instant', [4, 50], [10], 60, 90, [1, 60, 'turnaround']],
    ['one at a time', [1, 50], [10, 12], 5, 90, [1, 10, 'wake']],
    ['only full batches', [3, NEVER], [10, 12, 300], 5, 400, [3, 300, 'filled']],
  ] as [string, [number, number], number[], number, number, [number, number, string]][])(
    '%s',
    (_, policy, requests, freeNs, nowNs, [size, leaveNs, cause]) => {
      const { replay } = replayOf(policy, requests)
      expect(replay.take(freeNs, nowNs)).toBe(size)
      expect([replay.leaveNs, replay.cause]).toEqual([leaveNs, cause])
      expect(replay.head).toBe(size)
    },
  )

  it.each([
    // what, [maxBatchSize, maxWait], requests, free since, now, next release
    ['greedy: with the next request', [4, 0], [30, 40], 5, 20, 30],
    ['no request is known', [4, 50], [], 5, 20, NEVER],
    ['filled by requests to come', [4, 50], [10, 12, 25, 30], 5, 20, 30],
    ['at the deadline, if that comes first', [4, 50], [10, 12, 25, 70], 5, 20, 60],
    ['of requests that are all to come: filled', [2, 50], [30, 40], 5, 20, 40],
    ['of requests that are all to come: at the deadline', [4, 50], [30, 40], 5, 20, 80],
    ['one at a time', [1, 50], [30], 5, 20, 30],
    ['a batch that has to be full', [4, NEVER], [10, 12, 25, 700], 5, 20, 700],
    ['a batch that cannot be full yet', [4, NEVER], [10, 12], 5, 20, NEVER],
  ] as [string, [number, number], number[], number, number, number][])(
    'computes when the next batch leaves, if nothing else happens: %s',
    (_, policy, requests, freeNs, nowNs, releaseNs) => {
      const { replay } = replayOf(policy, requests)
      expect(replay.take(freeNs, nowNs)).toBe(0)
      replay.computeNextRelease()
      expect(replay.nextReleaseNs).toBe(releaseNs)
      // and not a nanosecond sooner
      if (releaseNs === NEVER) return
      expect(replay.take(freeNs, releaseNs - 1)).toBe(0)
      expect(replay.take(freeNs, releaseNs)).toBeGreaterThan(0)
    },
  )

  describe('of a queue with limits', () => {
    it.each([
      // what, [maxBatchSize, maxWait], [capacity, timeout], requests, free since, [size, at], dropped requests
      [
        'a place for one',
        [1, 0],
        [1, NEVER],
        [10, 12, 15],
        20,
        [1, 20],
        [
          ['rejected', 1, 12],
          ['rejected', 2, 15],
        ],
      ],
      [
        'no waiting room',
        [1, 0],
        [0, NEVER],
        [10, 12, 30],
        20,
        [1, 30],
        [
          ['rejected', 0, 10],
          ['rejected', 1, 12],
        ],
      ],
      ['one that can leave at once needs no place', [1, 0], [0, NEVER], [10], 5, [1, 10], []],
      ['one that makes a batch leave needs no place', [3, 50], [2, NEVER], [10, 12, 15], 5, [3, 15], []],
      ['a forming batch takes places', [4, 50], [2, NEVER], [10, 12, 15], 5, [2, 60], [['rejected', 2, 15]]],
      ['at the instant of a completion it finds a place', [1, 0], [1, NEVER], [10, 20], 20, [1, 20], []],
      [
        'times out while all are busy',
        [4, 0],
        [NEVER, 15],
        [10, 12, 30],
        28,
        [1, 30],
        [
          ['timedOut', 0, 25],
          ['timedOut', 1, 27],
        ],
      ],
      ['is served at the instant of its timeout', [4, 0], [NEVER, 15], [10, 20], 25, [2, 25], []],
      [
        'times out before its deadline',
        [4, 50],
        [NEVER, 15],
        [10, 40],
        5,
        [0, 0],
        [
          ['timedOut', 0, 25],
          ['timedOut', 1, 55],
        ],
      ],
      ['a deadline comes before a timeout', [4, 15], [NEVER, 15], [10], 5, [1, 25], []],
      [
        'an arrival comes before a timeout',
        [1, 0],
        [1, 15],
        [10, 25],
        70,
        [0, 0],
        [
          ['rejected', 1, 25],
          ['timedOut', 0, 25],
        ],
      ],
    ] as [string, [number, number], [number, number], number[], number, [number, number], Dropped[]][])(
      '%s',
      (_, policy, limits, requests, freeNs, [size, leaveNs], expected) => {
        const { replay, dropped } = replayOf(policy, requests, { limits })
        // what is dropped before the batch leaves can be found before, and once
        replay.settle(freeNs, 90)
        expect(replay.take(freeNs, 90)).toBe(size)
        expect(replay.leaveNs).toBe(leaveNs)
        replay.settle(NEVER, 90)
        expect(dropped.slice(0, expected.length)).toEqual(expected)
      },
    )

    it('leaves the batch of another server to that server', () => {
      const { replay, dropped } = replayOf([4, 0], [10, 12], { limits: [NEVER, 15] })
      replay.settle(5, 90)
      expect([replay.seen, replay.waiting, dropped]).toEqual([0, 0, []])
      expect(replay.take(5, 90)).toBe(1)
      expect(replay.leaveNs).toBe(10)
    })
  })

  it('lets a server that becomes free at the deadline take its batch before the request due then', () => {
    const { replay, room } = replayOf([4, 50], [10, 60])
    expect(replay.take(5, 60, 60)).toBe(1)
    expect([replay.leaveNs, replay.cause]).toEqual([60, 'turnaround'])
    // which is queued at that instant all the same
    expect(replay.take(60, 61)).toBe(0)
    expect(room.queuedNs(1)).toBe(60)
  })

  it('resumes where the last check ended', () => {
    const { replay } = replayOf([3, 50], [10, 12, 15, 16])
    expect(replay.take(5, 11)).toBe(0)
    expect(replay.take(5, 14)).toBe(0)
    expect(replay.take(5, 40)).toBe(3)
    expect([replay.leaveNs, replay.cause]).toEqual([15, 'filled'])
    // the fourth has its own deadline
    expect(replay.take(20, 40)).toBe(0)
    replay.computeNextRelease()
    expect(replay.nextReleaseNs).toBe(66)
  })

  it('releases the remaining requests when no more can come, if only that ends the wait', () => {
    const { replay } = replayOf([3, NEVER], new Listed([10, 12], true))
    expect(replay.take(5, 11)).toBe(0)
    replay.computeNextRelease()
    expect(replay.nextReleaseNs).toBe(12)
    expect(replay.take(5, 12)).toBe(2)
    expect(replay.leaveNs).toBe(12)
    // with a wait that ends, nothing changes
    const waits = replayOf([3, 50], new Listed([10, 12], true)).replay
    expect(waits.take(5, 40)).toBe(0)
    waits.computeNextRelease()
    expect(waits.nextReleaseNs).toBe(60)
    expect(waits.take(5, 60)).toBe(2)
  })

  it('reports when the waiting room is full', () => {
    const { replay } = replayOf(
      [1, 0],
      Array.from({ length: 20 }, (_, i) => i),
    )
    replay.settle(NEVER, 10)
    expect(replay.isFull).toBe(false)
    replay.settle(NEVER, 30)
    expect([replay.isFull, replay.waiting]).toEqual([true, 16])
  })
})
