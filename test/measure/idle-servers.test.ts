import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IdleInOrder, IdleServers } from '../../src/measure/queue/idle-servers.js'

const SERVERS = 4

describe('idle servers', () => {
  it('in order of time are as found by a search of all', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ server: fc.nat(SERVERS - 1), gap: fc.nat(2) }), { maxLength: 60 }), (steps) => {
        const [scanned, ordered] = [IdleServers, IdleInOrder].map((Kind) => {
          const since = new Float64Array(SERVERS)
          IdleServers.initialize(since)
          return new Kind(since)
        }) as [IdleServers, IdleInOrder]
        let nowNs = 0
        for (const { server, gap } of steps) {
          nowNs += gap
          for (const each of [scanned, ordered]) {
            if (each.isBusy(server)) each.free(server, nowNs)
            else each.takeBatch(server)
          }
          expect(ordered.longestNs).toBe(scanned.longestNs)
          const times = (of: IdleServers) => [0, 1, 2, 3].map((each) => of.sinceNs(each))
          // of servers idle since the same time, either may be the one idle longest
          expect(times(ordered).sort()).toEqual(times(scanned).sort())
          expect([0, 1, 2, 3].map((each) => ordered.isBusy(each))).toEqual(
            [0, 1, 2, 3].map((each) => scanned.isBusy(each)),
          )
        }
      }),
    )
  })

  it('give the one idle longest the idle time of the one that takes its batch', () => {
    const idle = new IdleInOrder(new Float64Array(3))
    idle.free(0, 10)
    idle.free(1, 20)
    idle.free(2, 30)
    idle.takeBatch(2)
    expect([0, 1, 2].map((server) => idle.sinceNs(server))).toEqual([30, 20, Number.POSITIVE_INFINITY])
    expect(idle.longestNs).toBe(20)
    idle.takeBatch(1)
    expect(idle.longestNs).toBe(30)
    idle.takeBatch(0)
    expect(idle.longestNs).toBe(Number.POSITIVE_INFINITY)
  })
})
