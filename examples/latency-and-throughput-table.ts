import { percentile, summarize } from 'throughline'
import { rate, type Style, table, time } from 'throughline/report'
import { examples, tenRequests } from './latency-and-throughput.ts'

/** Renders textbook examples of latency and throughput as a table. */
export function renderLatencyAndThroughput(style: Style): string {
  const ten = summarize(tenRequests)
  const served = table(
    [{ header: 'textbook examples', align: 'left' }, { header: 'latency' }, { header: 'throughput' }],
    examples().map(({ name, latencyMs, perSecond }) => [name, time(latencyMs), rate(perSecond)]),
    style,
  )
  const requests = `${tenRequests.map((ms) => ms.toLocaleString('en')).join(', ')} ms`
  return `${served}

 Ten requests took ${requests}:
 a mean of ${time(ten.mean)}, which is typical of no request, and a p50 of ${time(ten.p50)}. Their p90 is ${time(ten.p90)}: the least value
 that 9 of 10 requests do not exceed. Only percentiles above p90 are ${time(percentile(ten, 91))}.
`
}
