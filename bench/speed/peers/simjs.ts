import { LatencyHistogram } from '../../../src/histogram/latency-histogram.js'
import { meanOf } from '../../../src/histogram/moments.js'
import { drawExponential } from '../../../src/random/exponential.js'
import { stream } from '../../../src/random/stream.js'

// simjs was written for browsers
Object.assign(globalThis, { window: globalThis })
await import('simjs')
// biome-ignore lint/suspicious/noExplicitAny: it has no types
const { Sim, Entity, Facility } = (globalThis as any).Sim

/** Simulates M/M/c in simjs: an entity sends, a facility serves. Returns the mean latency in ms. */
export function simjs(meanGapMs: number, meanServiceMs: number, servers: number, requests: number): number {
  const arrivals = stream(1, 'arrivals')
  const services = stream(1, 'service')
  const latency = new LatencyHistogram()
  const facility = new Facility('servers', Facility.FCFS, servers)
  let sent = 0
  class Sender extends Entity {
    start() {
      this.setTimer(meanGapMs * drawExponential(arrivals)).done(this.send)
    }
    send() {
      const due = this.time()
      this.useFacility(facility, meanServiceMs * drawExponential(services)).done(() => {
        latency.record(Math.round((this.time() - due) * 1e6))
      })
      if (++sent < requests) this.setTimer(meanGapMs * drawExponential(arrivals)).done(this.send)
    }
  }
  const sim = new Sim()
  sim.addEntity(Sender)
  sim.simulate(Number.MAX_SAFE_INTEGER)
  return meanOf(latency) / 1e6
}
