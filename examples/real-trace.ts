// Shows how bursts raise p99: replays a trace of a production language model at several speeds against a batched server,
// and compares it with a Poisson process of the same rate. Run it with `npx tsx examples/real-trace.ts`.
import { affine, poisson, readTrace, replay, type Scenario, simulate } from 'throughline'
import { rate, styleFor, table, threeDigits, time } from 'throughline/report'

const timestamps = await readTrace(new URL('./traces/azure-llm-code-2023.csv', import.meta.url))
const gaps = timestamps.slice(1).map((at, i) => at - (timestamps[i] as number))
const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length)

/** A batch takes 40 ms, plus 10 ms for each request in it: at most 88 requests per second, in batches of 32. */
const server: Pick<Scenario, 'service' | 'batching' | 'warmup'> = {
  service: affine({ base: '40ms', perItem: '10ms' }),
  batching: { maxBatchSize: 32, maxWait: 0 },
  warmup: { requests: 0 },
}

const rows = [1, 2, 5, 10].map((speed) => {
  const perSecond = (1000 * speed) / mean
  const replayed = simulate({ ...server, arrivals: replay(timestamps, { speed }) })
  const independent = simulate({
    ...server,
    arrivals: poisson(perSecond),
    stop: { requests: timestamps.length },
  })
  return [
    `${speed}`,
    rate(perSecond),
    time(replayed.latencyMs.p50),
    time(independent.latencyMs.p50),
    time(replayed.latencyMs.p99),
    time(independent.latencyMs.p99),
    threeDigits(replayed.latencyMs.p99 / independent.latencyMs.p99),
  ]
})

const style = styleFor(process.stdout)
console.log(`
 ${style('bold', `${timestamps.length.toLocaleString('en')} requests to a language model`)}, gaps with a coefficient of variation of ${threeDigits(deviation / mean)}
 The trace is replayed and compared with a Poisson process, whose coefficient is 1.
`)
console.log(
  table(
    [
      { header: 'speed' },
      { header: 'offered' },
      { header: 'p50\nreplayed' },
      { header: '\nPoisson' },
      { header: 'p99\nreplayed' },
      { header: '\nPoisson' },
      { header: 'times\nas long' },
    ],
    rows,
    style,
  ),
)
console.log(`
 Within a row, rate and server are the same: only the bursts make the difference.
 p99 depends on the arrival process, not only on its rate.
`)
