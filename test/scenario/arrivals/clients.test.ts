import { describe, expect, it } from 'vitest'
import { closed, exponential } from '../../../src/index.js'
import { stream } from '../../../src/random/stream.js'
import { sampler } from '../../../src/scenario/service/sampler.js'
import { simulateWithEvents } from '../../support/reference/simulate-with-events.js'

const NS = 1e6

interface Loop {
  clients: number
  thinkMs: number
  serviceMs: number
  /** null: no limit */
  maxBatchSize: 1 | null
  batches: number
}

/** The batches of one greedy server with a constant service time, computed step by step. */
function batchesOf({ clients, thinkMs, serviceMs, maxBatchSize, batches }: Loop) {
  const think = Array.from({ length: clients }, (_, client) => sampler(exponential(), stream(1, `client ${client}`)))
  const thinkNs = (client: number) => Math.round(thinkMs * NS * (think[client] as () => number)())
  const sends = think.map((_, client) => ({ client, at: thinkNs(client) }))
  const made: { startMs: number; size: number }[] = []
  let free = 0
  while (made.length < batches) {
    sends.sort((a, b) => a.at - b.at || a.client - b.client)
    // a request at the instant of a completion arrives after it
    const waiting = sends.findIndex(({ at }) => at >= free)
    const most = maxBatchSize ?? clients
    const size = Math.max(1, Math.min(most, waiting < 0 ? clients : waiting))
    const start = Math.max(free, (sends[0] as { at: number }).at)
    made.push({ startMs: start / NS, size })
    free = start + serviceMs * NS
    for (const send of sends.slice(0, size)) send.at = free + thinkNs(send.client)
  }
  return made
}

describe('each client of a closed loop draws its own think times', () => {
  const loops: [about: string, loop: Loop][] = [
    ['a few, mostly thinking', { clients: 5, thinkMs: 100, serviceMs: 3, maxBatchSize: 1, batches: 2000 }],
    ['a few, mostly waiting', { clients: 5, thinkMs: 10, serviceMs: 20, maxBatchSize: 1, batches: 2000 }],
    ['a few, in batches', { clients: 9, thinkMs: 100, serviceMs: 30, maxBatchSize: null, batches: 1000 }],
    [
      'enough to make the queue grow',
      { clients: 5000, thinkMs: 1000, serviceMs: 1000, maxBatchSize: null, batches: 20 },
    ],
  ]
  for (const [about, loop] of loops) {
    it(about, () => {
      const { clients, thinkMs, serviceMs, maxBatchSize, batches } = loop
      const run = simulateWithEvents({
        arrivals: closed({ clients, thinkTime: { mean: thinkMs, variation: exponential() } }),
        service: serviceMs,
        batching: { maxBatchSize },
        stop: { requests: 2 * batches * (maxBatchSize ?? clients) },
        warmup: { requests: 0 },
      })
      const found = run.batches.map(({ startMs, requests }) => ({ startMs, size: requests.length }))
      expect(found.slice(0, batches)).toEqual(batchesOf(loop))
    })
  }
})
