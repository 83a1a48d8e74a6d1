import { createRequire } from 'node:module'
import { LatencyHistogram } from '../../../src/histogram/latency-histogram.js'
import { meanOf } from '../../../src/histogram/moments.js'
import { drawExponential } from '../../../src/random/exponential.js'
import { stream } from '../../../src/random/stream.js'

// it has no types
const { Scheduler, SimEvent } = createRequire(import.meta.url)('js-simulator')

/**
 * Simulates M/M/c on js-simulator's scheduler, which orders events but has no queues. Returns the mean latency in ms.
 */
export function jsSimulator(meanGapMs: number, meanServiceMs: number, servers: number, requests: number): number {
  const arrivals = stream(1, 'arrivals')
  const services = stream(1, 'service')
  const latency = new LatencyHistogram()
  const scheduler = new Scheduler()
  const waiting: number[] = []
  let head = 0
  let idle = servers
  let sent = 0
  const serve = () => {
    while (idle > 0 && head < waiting.length) {
      const due = waiting[head++] as number
      const done = scheduler.current_time + meanServiceMs * drawExponential(services)
      latency.record(Math.round((done - due) * 1e6))
      idle--
      const completion = new SimEvent(1)
      completion.update = () => {
        idle++
        serve()
      }
      scheduler.schedule(completion, done)
    }
  }
  const send = () => {
    const arrival = new SimEvent(0)
    arrival.update = () => {
      waiting.push(scheduler.current_time)
      if (++sent < requests) send()
      serve()
    }
    scheduler.schedule(arrival, scheduler.current_time + meanGapMs * drawExponential(arrivals))
  }
  send()
  while (scheduler.hasEvents()) scheduler.update()
  return meanOf(latency) / 1e6
}
