// A load generator of bench/speed/http.ts in its own process, whose CPU time is that of the load. Arguments: `autocannon`,
// or `throughline` and the module to import.
import autocannon from 'autocannon'
import { FEATURES, type Place } from './features.js'

/** A load: a closed loop over some connections, or a rate. */
export interface Load {
  connections: number
  /** requests per second; null sends the next request after a response */
  rate: number | null
  seconds: number
}

/** A load to send. */
export interface Job extends Load, Place {
  /** the path to request, if no feature has another */
  path: string
  /** one of FEATURES */
  feature: string
  /** whether to wait with timers only */
  isSpinning: boolean
}

/** What a tool says about the requests that it sent. */
export interface Sent {
  requests: number
  seconds: number
  p50Ms: number
  p99Ms: number
}

/** The same, and the CPU time of all threads of its process. */
export interface SentAt extends Sent {
  cpuMs: number
  /** that of a run of two requests, such as to build the result */
  fixedMs: number
}

const [tool, module = 'throughline'] = process.argv.slice(2)

/** Sends a load, or a number of requests. */
async function byThroughline({ path, feature, isSpinning, ...job }: Job, only?: number): Promise<Sent> {
  const { closed, constant, measure } = (await import(module)) as typeof import('throughline')
  const { connections, rate, seconds } = job
  const { counts, latencyMs } = await measure(
    {
      arrivals: rate === null ? closed({ clients: connections }) : constant(rate),
      http: { connections, ...(FEATURES[feature] as (typeof FEATURES)[string])({ ...job, url: job.url + path }) },
      stop: only === undefined ? { duration: 1000 * seconds } : { requests: only },
      warmup: { duration: 0 },
    },
    isSpinning ? {} : { spin: 0 },
  )
  if (counts.failed > 0) throw new Error(`${counts.failed} requests failed`)
  return { requests: counts.completed, seconds, p50Ms: latencyMs.p50, p99Ms: latencyMs.p99 }
}

async function byAutocannon({ url, path, connections, rate, seconds }: Job, only?: number): Promise<Sent> {
  const load =
    only === undefined
      ? { connections, duration: seconds, ...(rate !== null && { overallRate: rate }) }
      : { connections: 1, amount: only }
  const result = await autocannon({ url: url + path, ...load })
  const { duration, latency } = result
  return { requests: result['2xx'], seconds: duration, p50Ms: latency.p50, p99Ms: latency.p99 }
}

const sendBy = tool === 'autocannon' ? byAutocannon : byThroughline

async function withCpu(job: Job, only?: number): Promise<{ sent: Sent; cpuMs: number }> {
  const before = process.cpuUsage()
  const sent = await sendBy(job, only)
  const { user, system } = process.cpuUsage(before)
  return { sent, cpuMs: (user + system) / 1000 }
}

process.on('message', async (job: Job) => {
  const { sent, cpuMs } = await withCpu(job)
  const { cpuMs: fixedMs } = await withCpu(job, 2)
  process.send?.({ ...sent, cpuMs, fixedMs } satisfies SentAt)
})
process.on('disconnect', () => process.exit())
