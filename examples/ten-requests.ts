// Why latency is told in percentiles. Run it with `npx tsx examples/ten-requests.ts`.
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
    [{ header: '' }, { header: 'latency' }, { header: 'what it says', align: 'left' }],
    [
      ['mean', time(latency.mean), 'describes none of them: one slow request moved it'],
      ['p50', time(latency.p50), 'a typical request'],
      ['p90', time(latency.p90), 'nine in ten took no longer: the ninth of the ten'],
      ['p91', time(percentile(latency, 91)), 'beyond nine in ten, the one that points at something wrong'],
      ['max', time(latency.max), 'the same one'],
    ],
    style,
  ),
)
console.log(`
 The book gives 3,000 ms as the p90 of these ten: definitions of a percentile
 differ where values are few. Here, as in HDR histograms, p90 is the least value
 that at least 90 % of them do not exceed (nearest rank), which is ${time(latency.p90)}; only
 beyond p90 does it become ${time(latency.max)}.
`)
