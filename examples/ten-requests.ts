// Shows why latency is reported in percentiles. Run it with `npx tsx examples/ten-requests.ts`.
import { percentile, summarize } from 'throughline'
import { styleFor, table, time } from 'throughline/report'
import { tenRequests } from './latency-and-throughput.ts'

const style = styleFor(process.stdout)
const latency = summarize(tenRequests)

console.log(
  `\n ${style('bold', 'Ten requests took')} ${tenRequests.map((ms) => ms.toLocaleString('en')).join(', ')} ms.\n`,
)
console.log(
  table(
    [{ header: '' }, { header: 'latency' }, { header: 'meaning', align: 'left' }],
    [
      ['mean', time(latency.mean), 'typical of no request: one slow request moved it'],
      ['p50', time(latency.p50), 'a typical request'],
      ['p90', time(latency.p90), '9 of 10 requests took no longer: the ninth'],
      ['p91', time(percentile(latency, 91)), 'the slow request, which points to a fault'],
      ['max', time(latency.max), 'the same request'],
    ],
    style,
  ),
)
console.log(`
 Other definitions give 3,000 ms as the p90 of these requests: definitions of a
 percentile differ if there are few values. Here, as in HDR histograms, p90 is
 the least value that at least 90 % of requests do not exceed (nearest rank):
 ${time(latency.p90)}. Only percentiles above p90 are ${time(latency.max)}.
`)
