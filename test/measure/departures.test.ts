import { describe, expect, it } from 'vitest'
import { Departures, type Line } from '../../src/measure/departures.js'
import { Room, roomBytes } from '../../src/measure/room.js'

/** A queue of requests, each `[due, queued]`; due and queued at once where it is a number. */
function line(requests: (number | [number, number])[]): Line & { queued: number[] } {
  const due = requests.map((each) => (typeof each === 'number' ? each : each[0]))
  const queued = requests.map((each) => (typeof each === 'number' ? each : each[1]))
  return {
    queued,
    dueNs: (place) => due[place] as number,
    queuedNs: (place) => queued[place] as number,
    client: () => -1,
    queueLater: (place, ns) => {
      queued[place] = ns
    },
  }
}

const OPEN = { sent: Number.POSITIVE_INFINITY, endedNs: Number.POSITIVE_INFINITY }
const NEVER = Number.POSITIVE_INFINITY

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
    ['at the deadline, without who came after it', [4, 50], [10, 12, 61], 5, 90, [2, 60, 'deadline']],
    ['at the deadline, with who came at that instant', [4, 50], [10, 12, 60], 5, 90, [3, 60, 'wake']],
    ['filled at the instant of the deadline', [3, 50], [10, 12, 60], 5, 90, [3, 60, 'filled']],
    ['the deadline is over when the server is free', [4, 50], [10, 70], 80, 90, [2, 80, 'turnaround']],
    ['the deadline is over when the server is free, to the instant', [4, 50], [10], 60, 90, [1, 60, 'turnaround']],
    ['queued so late that it has waited long enough', [4, 50], [[10, 75], 80], 5, 90, [1, 75, 'wake']],
    ['the deadline counts from due, not from queued', [4, 50], [[10, 40], 45], 5, 90, [2, 60, 'deadline']],
    ['one at a time', [1, 50], [10, 12], 5, 90, [1, 10, 'wake']],
    ['only full batches', [3, NEVER], [10, 12, 300], 5, 400, [3, 300, 'filled']],
  ] as [string, [number, number], (number | [number, number])[], number, number, [number, number, string]][])(
    '%s',
    (_, [maxBatchSize, maxWaitNs], requests, freeNs, nowNs, [size, leaveNs, cause]) => {
      const departures = new Departures({ maxBatchSize, maxWaitNs }, line(requests))
      expect(departures.look(freeNs, nowNs, { ...OPEN, tail: requests.length })).toBe(size)
      expect([departures.leaveNs, departures.cause]).toEqual([leaveNs, cause])
      expect(departures.head).toBe(size)
    },
  )

  it.each([
    // what, [maxBatchSize, maxWait], requests, now, look again at, or when the queue is this long
    ['an empty queue', [4, 50], [], 20, NEVER, 1],
    ['a batch that forms', [4, 50], [10, 12], 20, 60, 4],
    ['a batch that has to be full', [4, NEVER], [10, 12], 20, NEVER, 4],
  ] as [string, [number, number], number[], number, number, number][])(
    'not yet: %s',
    (_, [maxBatchSize, maxWaitNs], requests, nowNs, againNs, wanted) => {
      const departures = new Departures({ maxBatchSize, maxWaitNs }, line(requests))
      expect(departures.look(5, nowNs, { ...OPEN, tail: requests.length })).toBe(0)
      expect([departures.lookAgainNs, departures.wanted]).toEqual([againNs, wanted])
    },
  )

  describe('of a queue with limits', () => {
    type Lost = [fate: string, number: number, atNs: number]
    it.each([
      // what, [maxBatchSize, maxWait], [capacity, timeout], requests, free since, [size, at], who was lost
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
      ['counts from due', [4, 50], [NEVER, 15], [[10, 20]], 5, [0, 0], [['timedOut', 0, 25]]],
      [
        'queued after its timeout: at once, unless it is served',
        [1, 0],
        [NEVER, 5],
        [[10, 20]],
        70,
        [0, 0],
        [['timedOut', 0, 20]],
      ],
      ['queued after its timeout, and served at once', [1, 0], [NEVER, 5], [[10, 20]], 5, [1, 20], []],
      ['capacity is judged when it is queued', [1, 0], [1, 15], [10, [20, 30]], 32, [1, 32], [['timedOut', 0, 25]]],
    ] as [
      string,
      [number, number],
      [number, number],
      (number | [number, number])[],
      number,
      [number, number],
      Lost[],
    ][])('%s', (_, [maxBatchSize, maxWaitNs], [capacity, timeoutNs], requests, freeNs, [size, leaveNs], expected) => {
      const lost: Lost[] = []
      const room = new Room(new SharedArrayBuffer(roomBytes(capacity)))
      const lose = (fate: string, number: number, _due: number, atNs: number) => lost.push([fate, number, atNs])
      const limits = { capacity, timeoutNs, room, lose }
      const departures = new Departures({ maxBatchSize, maxWaitNs }, line(requests), limits)
      const known = { ...OPEN, tail: requests.length }
      // who is lost before the batch leaves can be found before, and once
      departures.lose(freeNs, 90, known)
      expect(departures.look(freeNs, 90, known)).toBe(size)
      expect(departures.leaveNs).toBe(leaveNs)
      departures.lose(NEVER, 90, known)
      expect(lost.slice(0, expected.length)).toEqual(expected)
    })

    it('says when to look again for who leaves unserved', () => {
      const limits = { capacity: NEVER, timeoutNs: 15, room: new Room(new SharedArrayBuffer(roomBytes(8))), lose() {} }
      const departures = new Departures({ maxBatchSize: 4, maxWaitNs: 50 }, line([10, 12]), limits)
      departures.lose(NEVER, 5, { ...OPEN, tail: 0 })
      expect(departures.loseAgainNs).toBe(NEVER)
      // the instant itself may still bring a server
      departures.lose(NEVER, 12, { ...OPEN, tail: 2 })
      expect(departures.loseAgainNs).toBe(13)
      departures.lose(NEVER, 13, { ...OPEN, tail: 2 })
      expect(departures.loseAgainNs).toBe(26)
      departures.lose(NEVER, 26, { ...OPEN, tail: 2 })
      expect([departures.waiting, departures.loseAgainNs]).toEqual([1, 28])
    })
  })

  it('lets another server that becomes free at the deadline ask before the request that comes then', () => {
    const queue = line([10, 60])
    const departures = new Departures({ maxBatchSize: 4, maxWaitNs: 50 }, queue)
    expect(departures.look(5, 60, { ...OPEN, tail: 1 }, 60)).toBe(1)
    expect([departures.leaveNs, departures.cause]).toEqual([60, 'turnaround'])
    // which is queued at that instant all the same
    expect(departures.look(60, 61, { ...OPEN, tail: 2 })).toBe(0)
    expect(queue.queued).toEqual([10, 60])
    const known = new Departures({ maxBatchSize: 4, maxWaitNs: 50 }, line([10, 60]))
    expect(known.look(5, 60, { ...OPEN, tail: 2 }, 60)).toBe(1)
  })

  it('goes on from where it was when it looks again', () => {
    const departures = new Departures({ maxBatchSize: 3, maxWaitNs: 50 }, line([10, 12, 15, 16]))
    expect(departures.look(5, 11, { ...OPEN, tail: 1 })).toBe(0)
    expect(departures.look(5, 14, { ...OPEN, tail: 2 })).toBe(0)
    expect(departures.look(5, 40, { ...OPEN, tail: 4 })).toBe(3)
    expect([departures.leaveNs, departures.cause]).toEqual([15, 'filled'])
    // the fourth has its own deadline
    expect(departures.look(20, 40, { ...OPEN, tail: 4 })).toBe(0)
    expect(departures.lookAgainNs).toBe(66)
  })

  it('lets what is left go when no more will come, where only that can end the wait', () => {
    const departures = new Departures({ maxBatchSize: 3, maxWaitNs: NEVER }, line([10, 12]))
    expect(departures.look(5, 20, { ...OPEN, tail: 2 })).toBe(0)
    expect(departures.look(5, 40, { tail: 2, sent: 2, endedNs: 30 })).toBe(2)
    expect(departures.leaveNs).toBe(30)
    const last = new Departures({ maxBatchSize: 3, maxWaitNs: NEVER }, line([10, 12]))
    expect(last.look(5, 40, { tail: 2, sent: 2, endedNs: 12 })).toBe(2)
    expect(last.leaveNs).toBe(12)
    const waits = new Departures({ maxBatchSize: 3, maxWaitNs: 50 }, line([10, 12]))
    expect(waits.look(5, 40, { tail: 2, sent: 2, endedNs: 12 })).toBe(0)
    expect(waits.lookAgainNs).toBe(60)
  })

  it('has a request that nobody could see yet queue behind the batch that left without it', () => {
    const queue = line([10, 55, 58])
    const departures = new Departures({ maxBatchSize: 4, maxWaitNs: 50 }, queue)
    expect(departures.look(5, 65, { ...OPEN, tail: 1 })).toBe(1)
    expect(departures.leaveNs).toBe(60)
    expect(departures.look(70, 71, { ...OPEN, tail: 3 })).toBe(0)
    // had they been queued at 60 they would have been in it: arrivals come before deadlines
    expect(queue.queued).toEqual([10, 61, 61])
  })
})
