import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Bells } from '../../src/measure/bells.js'
import { send, sleepNs } from '../../src/measure/pacing.js'
import { planOf } from '../../src/measure/plan.js'
import { Ring, ringBytes } from '../../src/measure/ring.js'
import { Window } from '../../src/measure/window.js'
import type { OpenArrivals } from '../../src/scenario/arrivals.js'
import { normalise } from '../../src/scenario/scenario.js'
import { schedule } from '../../src/scenario/schedule.js'

const SPIN_NS = 200_000

/** Sends in virtual time, on a clock that moves by `read` with every reading and sleeps too long by `oversleep`. */
function sendAll(arrivals: OpenArrivals, { read = 50, oversleep = 90_000, requests = 500, places = 1024 } = {}) {
  const scenario = normalise({ arrivals, handler: 'none.js', stop: { requests } }, 'measure')
  const plan = planOf({ ...scenario, arrivals })
  const window = Window.of(plan)
  const ring = new Ring(new SharedArrayBuffer(ringBytes(places)))
  let now = 0
  const clock = () => {
    now += read
    return now
  }
  const sleeps: { at: number; ns: number }[] = []
  const rest = {
    sleep(ns: number) {
      sleeps.push({ at: now, ns })
      now += ns + oversleep
    },
    spin(ns: number) {
      now += Math.floor(ns / 2)
    },
  }
  const bells = new Bells(1)
  const lateNs = send(
    schedule(arrivals, scenario.seed),
    plan.stop,
    { ring, bells, window },
    { clock, rest, spinNs: SPIN_NS },
  )
  const sent = Array.from({ length: window.sent }, (_, i) => ({ dueNs: ring.dueNs(i), queuedNs: ring.queuedNs(i) }))
  return { sent, sleeps, lateNs, window, ring, nowNs: now }
}

const dueTimes = (arrivals: OpenArrivals, count: number) => {
  const next = schedule(arrivals, 1)
  return Array.from({ length: count }, next)
}

describe('for how long to sleep', () => {
  it.each([
    // left, spin, sleep
    [1_000_000, 200_000, 800_000],
    [200_001, 200_000, 1],
    [200_000, 200_000, 0],
    [5, 200_000, 0],
    [5, 0, 5],
    [1_000_000, Number.POSITIVE_INFINITY, 0],
  ])('%i ns before something is due, with a spin of %i ns: %i ns', (left, spin, sleep) => {
    expect(sleepNs(left, spin)).toBe(sleep)
  })
})

describe('sending', () => {
  it('sends the very requests of the schedule, in order', () => {
    for (const arrivals of [
      { process: 'constant', rate: 1000 },
      { process: 'poisson', rate: 50_000 },
      { process: 'replay', timestamps: Array.from({ length: 500 }, (_, i) => Math.floor(i / 7)) },
    ] as const satisfies OpenArrivals[] as OpenArrivals[]) {
      const { sent, window } = sendAll(arrivals)
      expect(sent.map(({ dueNs }) => dueNs)).toEqual(dueTimes(arrivals, 500))
      expect(window.sent).toBe(500)
      expect(window.due).toBe(500)
    }
  })

  it('never sends early, and is late by no more than a reading of the clock where it can spin', () => {
    const { sent, lateNs } = sendAll({ process: 'constant', rate: 1000 })
    for (const { dueNs, queuedNs } of sent) {
      expect(queuedNs).toBeGreaterThanOrEqual(dueNs)
      expect(queuedNs - dueNs).toBeLessThanOrEqual(50)
    }
    expect(lateNs).toBeLessThanOrEqual(50)
  })

  it('is late by as much as it oversleeps where it may not spin for so long', () => {
    const { sent } = sendAll({ process: 'constant', rate: 1000 }, { oversleep: SPIN_NS + 30_000 })
    // the first was due at once
    for (const { dueNs, queuedNs } of sent.slice(1)) expect(queuedNs - dueNs).toBeGreaterThanOrEqual(30_000)
  })

  it('sleeps only while nothing is due for longer than it spins', () => {
    const { sleeps } = sendAll({ process: 'constant', rate: 1000 })
    expect(sleeps.length).toBe(499)
    expect(sendAll({ process: 'constant', rate: 10_000 }).sleeps).toEqual([])
  })

  it('drops nothing when it is late, and catches up', () => {
    fc.assert(
      fc.property(fc.nat(3_000), fc.nat(2_000_000), (read, oversleep) => {
        const { sent, lateNs, nowNs } = sendAll({ process: 'poisson', rate: 100_000 }, { read: read + 1, oversleep })
        expect(sent.map(({ dueNs }) => dueNs)).toEqual(dueTimes({ process: 'poisson', rate: 100_000 }, 500))
        for (let i = 1; i < sent.length; i++) {
          expect(sent[i]?.queuedNs).toBeGreaterThanOrEqual(sent[i - 1]?.queuedNs as number)
        }
        expect(lateNs).toBeLessThanOrEqual(nowNs)
      }),
      { seed: 1 },
    )
  })

  it('stops where all places are taken: the window ends there, and what was due by then is counted', () => {
    const { window } = sendAll({ process: 'constant', rate: 1_000_000 }, { requests: 100_000, places: 2048 })
    expect(window.sent).toBe(2048)
    // the 2,049th was due after 2,048 us; the window ends 100 us after that, give or take readings of the clock
    expect(window.endNs).toBeGreaterThan(2_148_000)
    expect(window.endNs).toBeLessThan(2_160_000)
    expect(window.due).toBe(Math.ceil(window.endNs / 1000))
    expect(window.unsent.count).toBe(window.due - 2048)
  })
})

describe('a run that ends early', () => {
  it('sends what is due until the moment it is told, and nothing after it', () => {
    const arrivals = { process: 'poisson', rate: 1000 } as const
    const scenario = normalise({ arrivals, handler: 'none.js', stop: { precision: '5%', atMost: '40s' } }, 'measure')
    const plan = planOf({ ...scenario, arrivals })
    const window = Window.of(plan)
    const ring = new Ring(new SharedArrayBuffer(ringBytes(16_384)))
    let now = 0
    let toldNs = 0
    const clock = () => {
      now += 50
      // as another thread tells it, at whatever moment
      if (now > 7_000_000_000 && toldNs === 0) {
        toldNs = now
        window.endEarly(() => toldNs)
      }
      return now
    }
    const rest = {
      sleep(ns: number) {
        now += ns + 90_000
      },
      spin(ns: number) {
        now += Math.floor(ns / 2)
      },
    }
    send(schedule(arrivals, 1), plan.stop, { ring, bells: new Bells(1), window }, { clock, rest, spinNs: SPIN_NS })
    expect(window.endNs).toBeGreaterThan(toldNs)
    expect(window.endNs - toldNs).toBeLessThan(1_000_000_000)
    const due = dueTimes(arrivals, 16_384).filter((ns) => ns < window.endNs)
    expect(window.sent).toBe(due.length)
    expect(window.due).toBe(due.length)
    expect(due.map((_, i) => ring.dueNs(i))).toEqual(due)
    expect(window.drainNs).toBeGreaterThan(window.endNs)
    expect(window.unsent.count).toBe(0)
  })
})
