// Simulates the throughput-latency trade-off: larger batches raise throughput and latency. Run it with
// `npx tsx examples/trade-off.ts`; `--svg figure.svg` writes a chart.
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { simulate } from 'throughline'
import { figuresOf, rate, renderTradeOff, renderTradeOffSvg, styleFor, table, time } from 'throughline/report'
import { examples, flatOut, server } from './latency-and-throughput.ts'

const { values: asked } = parseArgs({ options: { svg: { type: 'string' } } })
const style = styleFor(process.stdout)
const OFFERED = 800

console.log(`\n ${style('bold', 'A server that never runs out of requests')}\n`)
console.log(
  table(
    [{ header: 'batches', align: 'left' }, { header: 'latency' }, { header: 'throughput' }],
    examples().map(({ name, latencyMs, perSecond }) => [name, time(latencyMs), rate(perSecond)]),
    style,
  ),
)

// requests that arrive at random wait for their batch to fill, here completely
const rows = [1, 2, 4, 8, 16, 32, 64].map((batchSize) => ({
  batchSize,
  capacityPerSec: flatOut(server, batchSize).perSecond,
  predicted: figuresOf(
    simulate({
      arrivals: OFFERED,
      service: server,
      batching: { maxBatchSize: batchSize, maxWait: null },
      stop: { requests: 100_000 },
    }),
  ),
}))

console.log(`\n ${style('bold', `The same server with ${OFFERED} random arrivals per second`)}`)
console.log(' A batch takes 7.5 ms, plus 0.25 ms for each request in it; it leaves when it is full.\n')
console.log(renderTradeOff(rows, { offeredPerSec: OFFERED, width: 80, style }))

const sustained = rows.flatMap(({ batchSize, predicted }) =>
  predicted === 'overloaded' ? [] : [{ batchSize, ...predicted }],
)
const best = sustained.reduce((a, b) => (b.p99 < a.p99 ? b : a))
console.log(`
 Smaller batches are overloaded, and larger ones take long to fill. In between, batches of
 ${best.batchSize} have the shortest p99: ${time(best.p99)}.
`)

if (asked.svg !== undefined) {
  const title = 'Larger batches raise capacity, and fill more slowly'
  await writeFile(asked.svg, renderTradeOffSvg(rows, { offeredPerSec: OFFERED, title }))
  console.log(` Drawn to ${asked.svg}.\n`)
}
