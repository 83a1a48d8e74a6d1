import { describe, expect, it } from 'vitest'
import { closed, exponential, type Variation } from '../../src/index.js'
import { stream } from '../../src/random/stream.js'
import { sampler } from '../../src/scenario/variation.js'
import { told } from './told.js'

const NS = 1e6

/** When each request of a closed loop is served by one server that takes a constant time: step by step, as it reads. */
function startsOf(clients: number, meanThinkMs: number, variation: Variation, serviceMs: number, requests: number) {
  const think = Array.from({ length: clients }, (_, client) => sampler(variation, stream(1, `client ${client}`)))
  const thinkNs = (client: number) => Math.round(meanThinkMs * NS * (think[client] as () => number)())
  const sends = think.map((_, client) => thinkNs(client))
  const starts: number[] = []
  let free = 0
  while (starts.length < requests) {
    const client = sends.indexOf(Math.min(...sends))
    const start = Math.max(free, sends[client] as number)
    starts.push(start / NS)
    free = start + serviceMs * NS
    sends[client] = free + thinkNs(client)
  }
  return starts
}

describe('the clients of a closed loop', () => {
  const cases: [about: string, clients: number, thinkMs: number, serviceMs: number, requests: number][] = [
    ['a few, mostly thinking', 5, 100, 3, 2000],
    ['a few, mostly waiting', 5, 10, 20, 2000],
    ['so many that the queue outgrows any room made for it', 3000, 1000, 5, 7000],
  ]
  for (const [about, clients, mean, service, requests] of cases) {
    it(`each think their own times: ${about}`, () => {
      const { batches } = told({
        arrivals: closed({ clients, thinkTime: { mean, variation: exponential() } }),
        service,
        stop: { requests },
        warmup: { requests: 0 },
      })
      expect(batches.map(({ startMs }) => startMs)).toEqual(startsOf(clients, mean, exponential(), service, requests))
    })
  }
})
