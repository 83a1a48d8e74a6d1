// Measures a real model in batches: its throughput-latency trade-off on this machine. Run it with `npm start`. For other
// batch sizes, `npm start -- --sizes 1,8,64 --rounds 3`; for a chart, `npm start -- --svg figure.svg`.
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { measure, type Result, simulate } from 'throughline'
import {
  figuresOverRounds,
  mediansOf,
  progressOn,
  rate,
  renderTradeOff,
  renderTradeOffSvg,
  styleFor,
  time,
} from 'throughline/report'
import { renderLatencyAndThroughput } from '../latency-and-throughput-table.ts'
import { conclusion, highestWithin, noiseWarning } from './conclusion.ts'
import { type Calibrated, calibrateInSitu, calibrateTight, capacitiesOf, inBatchesOf, typicalOf } from './model.ts'

const { values: asked } = parseArgs({
  options: { sizes: { type: 'string' }, rounds: { type: 'string' }, svg: { type: 'string' } },
})
const SIZES = (asked.sizes ?? '1,2,4,8,16').split(',').map(Number)
const ROUNDS = Number(asked.rounds ?? 3)
const LIMIT = { p99: 10 }

const style = styleFor(process.stdout)
const progress = progressOn(process.stderr)
// progress, in runs of about a second
const runs = 2 + SIZES.length * 2 * ROUNDS + 4
let done = 0
const doing = (what: string, weight = 1) => {
  progress.update(done / runs, what)
  done += weight
}

doing('timing the bare model, for each batch size', 2)
const tight = await calibrateTight(Math.max(...SIZES))
const capacities = capacitiesOf(tight, SIZES)
/** One load for all sizes, which each sustains: a server that is often idle is slower than the bare model. */
const offered = Number((0.45 * Math.min(...capacities)).toPrecision(2))

const inRound = (round: number) => ({
  arrivals: offered,
  stop: { duration: '600ms' },
  warmup: { duration: '120ms' },
  seed: round,
})
// sizes are interleaved, so that a slow period of the machine affects all of them; each is calibrated just before it is
// measured, so that it affects the prediction and the measurement alike
const calibrated = SIZES.map((): Calibrated[] => [])
const measured = SIZES.map((): Result[] => [])
for (let round = 1; round <= ROUNDS; round++) {
  const order = [...SIZES.entries()]
  for (const [i, size] of round % 2 === 0 ? order.reverse() : order) {
    doing(`round ${round} of ${ROUNDS} at ${rate(offered)}: batches of ${size}`, 2)
    calibrated[i]?.push(await calibrateInSitu(size, offered, tight))
    measured[i]?.push(await measure({ ...inBatchesOf(size), ...inRound(round) }))
  }
}

doing('simulating the same requests', 0)
const rows = calibrated.map((scenarios, i) => {
  const simulated = scenarios.map((scenario, round) => simulate({ ...scenario, ...inRound(round + 1) }))
  return {
    batchSize: SIZES[i] as number,
    capacityPerSec: capacities[i] as number,
    measured: figuresOverRounds(measured[i] ?? []),
    predicted: mediansOf(figuresOverRounds(simulated)),
  }
})

doing(`searching for the highest load within a p99 of ${time(LIMIT.p99)}`, 1)
const found = highestWithin(
  calibrated.map((rounds, i) => ({ rounds, typical: typicalOf(rounds, SIZES[i] as number) })),
  LIMIT,
)
doing('measuring at the advised load', 3)
const confirmed =
  found === null
    ? null
    : await measure({ ...inBatchesOf(found.batchSize), arrivals: found.advised, stop: { duration: '3s' } })
progress.end()

console.log(`
 ${style('bold', "A real model in batches: Silero's voice activity detector in onnxruntime, on one thread")}
 A batch leaves when it is full, or when its oldest request has waited 2 ms. Capacity is that of the bare
 model, one batch after another: a server that has to wake for each batch is overloaded sooner.
`)
console.log(renderTradeOff(rows, { offeredPerSec: offered, rounds: ROUNDS, width: 100, style }))
console.log(noiseWarning(measured.flat(), style))
console.log(`${conclusion(found, confirmed, LIMIT, style)}\n`)
console.log(renderLatencyAndThroughput(style))
if (asked.svg !== undefined) {
  const title = "Silero's voice activity detector in batches, on one thread"
  await writeFile(asked.svg, renderTradeOffSvg(rows, { offeredPerSec: offered, rounds: ROUNDS, title }))
}
