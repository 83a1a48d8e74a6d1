// Compares `simulate` with `measure`, given the service times of the measured run: a real model on one server, at
// several loads and batch sizes. Run it with `npx tsx bench/studies/fidelity.ts --rounds 3`.
import { parseArgs } from 'node:util'
import { replay, type Scenario, type ServiceInput, simulate, ValidationError } from 'throughline'
import { calibrateTight, capacitiesOf, inBatchesOf } from '../../examples/real-model/model.ts'
import { buildService } from '../../src/explore/calibrate.js'
import { type Measurement, runMeasurement } from '../../src/measure/run.js'
import { spreadOf } from '../../src/report/spread.js'
import { table } from '../../src/report/terminal/table.js'
import { NS_PER_MS } from '../../src/scenario/nanoseconds.js'
import { resolveScenario } from '../../src/scenario/scenario.js'
import { serviceSchema } from '../../src/scenario/service/service.js'
import { time } from '../../src/text/number.js'
import { referencePolicy } from '../../test/support/reference/reference-policy.js'
import { recordedRun } from './recorded-run.js'

const { values: given } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    loads: { type: 'string', default: '0.3,0.5,0.7' },
    sizes: { type: 'string', default: '1,4,16' },
  },
})
const ROUNDS = Number(given.rounds)
const SECONDS = Number(given.seconds)
const SIZES = given.sizes.split(',').map(Number)
const LOADS = given.loads.split(',').map(Number)
/** The fraction of a run that is left out, as a warm-up. */
const WARMUP = 0.1
const PERCENTILES = [50, 95, 99] as const

const tight = await calibrateTight(Math.max(...SIZES))
const capacities = capacitiesOf(tight, SIZES)
const cells = LOADS.flatMap((load) =>
  SIZES.flatMap((size, i) =>
    // a batch of one does not wait to fill
    (size === 1 ? [0] : [0, 2]).map((waitMs) => ({
      load,
      size,
      waitMs,
      rate: Math.round(load * (capacities[i] as number)),
    })),
  ),
)
type CellOf = (typeof cells)[number]

/** What the simulation takes from the run, from the least to all times. */
const FED = {
  service: 'service by time',
  dispatch: 'service and dispatch by time',
  drawn: 'both drawn independently',
} as const
type Fed = keyof typeof FED

interface Outcome {
  cell: CellOf
  measured: number[]
  simulated: Record<Fed, number[]>
  /** the number of batches that left at the time and with the requests of a naive implementation of the policy, and the total */
  alike: number
  batches: number
  /** with times replayed by order, the largest difference in the latency of a request */
  apartNs: number
  /** cores used by other processes meanwhile */
  others: number
}

/** The measured run as a scenario for `simulate`. */
interface Run {
  scenario: Pick<Scenario, 'batching' | 'stop' | 'warmup'>
  dueNs: Float64Array
}

/** Each request's latency from when it was due, in nanoseconds. */
type Latencies = Float64Array

function latenciesOf(dueNs: Float64Array, batches: { requests: number[]; endNs: number }[]): Latencies {
  const latencies = new Float64Array(dueNs.length).fill(Number.NaN)
  for (const { requests, endNs } of batches) {
    for (const request of requests) latencies[request] = endNs - (dueNs[request] as number)
  }
  return latencies
}

/** Infinite if it falls so far behind that it needs times after the end of the recorded run. */
function simulated({ scenario, dueNs }: Run, service: ServiceInput): Latencies {
  const batches: { requests: number[]; endNs: number }[] = []
  try {
    simulate(
      { ...scenario, arrivals: replay([...dueNs].map((ns) => ns / NS_PER_MS)), service },
      {
        onEvent: (event) => {
          if (event.type === 'batch') batches.push({ requests: event.requests, endNs: Math.round(event.endMs * 1e6) })
        },
      },
    )
  } catch (error) {
    if (!(error instanceof ValidationError && error.path === 'service.times')) throw error
    return new Float64Array(dueNs.length).fill(Number.POSITIVE_INFINITY)
  }
  return latenciesOf(dueNs, batches)
}

/** Percentile by nearest rank of the requests after the warm-up. */
function percentilesOf(latencies: Latencies): number[] {
  const sorted = latencies.slice(Math.ceil(WARMUP * latencies.length)).sort()
  return PERCENTILES.map((p) => (sorted[Math.ceil((p / 100) * sorted.length) - 1] as number) / NS_PER_MS)
}

async function measured(cell: CellOf, seed: number): Promise<{ run: Run; seen: Measurement }> {
  const requests = Math.round(cell.rate * SECONDS)
  const { batching, handler } = inBatchesOf(cell.size)
  const scenario = {
    batching: { ...batching, maxWait: cell.waitMs },
    stop: { requests },
    // so that every batch is observed
    warmup: { requests: 0 },
  }
  const seen = await runMeasurement(
    resolveScenario({ ...scenario, handler, seed, arrivals: { process: 'poisson', rate: cell.rate } }, 'measure'),
    {},
    requests,
  )
  const dueNs = Float64Array.from(seen.observations.flatMap((batch) => batch.dueNs))
  return { run: { scenario, dueNs }, seen }
}

async function outcomeOf(cell: CellOf, seed: number): Promise<Outcome> {
  const { run, seen } = await measured(cell, seed)
  const { observations } = seen
  const { cpu } = seen.host
  // the window ends when the last request is due; batches that started later were not observed
  const first = { ...run, scenario: { ...run.scenario, stop: { requests: run.dueNs.length } } }
  const ours = latenciesOf(first.dueNs, observations)
  const inTime = recordedRun(observations, 'time')
  const sizes = Array.from({ length: Math.log2(cell.size) + 1 }, (_, i) => 2 ** i)
  const fed = {
    service: simulated(first, { ...inTime, overhead: undefined } as ServiceInput),
    dispatch: simulated(first, inTime),
    drawn: simulated(first, buildService(observations, serviceSchema.parse(tight), sizes)),
  }
  const { batches: policyLets } = referencePolicy(
    { maxBatchSize: cell.size, maxWaitNs: 1e6 * cell.waitMs },
    Array.from(first.dueNs, (due) => ({ dueNs: due, queuedNs: due })),
    [observations[0]?.freeNs as number, ...observations.map(({ endNs }) => endNs)],
  )
  const alike = observations.filter(({ requests, leaveNs }, i) => {
    const batch = policyLets[i]
    return leaveNs === batch?.leaveNs && requests.every((request, k) => request === batch.requests[k])
  })
  return {
    cell,
    measured: percentilesOf(ours),
    simulated: Object.fromEntries(
      Object.entries(fed).map(([key, served]) => [key, percentilesOf(served)]),
    ) as Outcome['simulated'],
    alike: alike.length,
    batches: observations.length,
    apartNs: apart(ours, simulated(first, recordedRun(observations, 'order'))),
    others: cpu === null ? Number.NaN : cpu.othersMs / cpu.periodMs,
  }
}

function apart(one: Latencies, other: Latencies): number {
  return one.reduce((most, ns, i) => Math.max(most, Math.abs(ns - (other[i] as number))), 0)
}

const outcomes: Outcome[] = []
for (let round = 1; round <= ROUNDS; round++) {
  for (const cell of round % 2 === 0 ? [...cells].reverse() : cells) outcomes.push(await outcomeOf(cell, round))
}

const median = (values: number[]) => spreadOf(values).median
const off = (value: number, from: number) => Math.abs(value - from) / from
const errorsOf = (of: Outcome[], fed: Fed, p: number) =>
  of.map(({ measured, simulated }) => off(simulated[fed][p] as number, measured[p] as number))
const inPercent = (fraction: number) =>
  Number.isFinite(fraction) ? `${(100 * fraction).toFixed(1)} %` : 'falls behind'

console.log(`\n A real model on one server, ${ROUNDS} rounds of ${SECONDS} s: medians over the rounds\n`)
console.log(
  table(
    [
      { header: 'load' },
      { header: 'batches\nup to' },
      { header: 'wait' },
      ...PERCENTILES.flatMap((p) => [{ header: `p${p}\nmeasured` }, { header: '\nsimulated' }, { header: '\nerror' }]),
      { header: 'batches\nas the policy has it' },
      { header: 'by order\nwithin' },
    ],
    cells.map((cell) => {
      const own = outcomes.filter((outcome) => outcome.cell === cell)
      const total = (of: (outcome: Outcome) => number) => own.reduce((sum, each) => sum + of(each), 0)
      return [
        `${100 * cell.load} %`,
        String(cell.size),
        cell.waitMs === 0 ? '0' : time(cell.waitMs),
        ...PERCENTILES.flatMap((_, p) => [
          time(median(own.map(({ measured }) => measured[p] as number))),
          time(median(own.map(({ simulated }) => simulated.dispatch[p] as number))),
          inPercent(median(errorsOf(own, 'dispatch', p))),
        ]),
        `${total(({ alike }) => alike)} of ${total(({ batches }) => batches)}`,
        `${Math.max(...own.map(({ apartNs }) => apartNs))} ns`,
      ]
    }),
  ),
)
const others = median(outcomes.map((outcome) => outcome.others))
console.log(Number.isNaN(others) ? '' : `\n Other processes took ${others.toFixed(2)} cores meanwhile (median).`)
console.log(`\n Errors over all ${outcomes.length} runs, by what the simulation is fed of them: median, and greatest\n`)
console.log(
  table(
    [{ header: '', align: 'left' }, ...PERCENTILES.flatMap((p) => [{ header: `p${p}` }, { header: '' }])],
    (Object.keys(FED) as Fed[]).map((fed) => [
      FED[fed],
      ...PERCENTILES.flatMap((_, p) => {
        const { median, high } = spreadOf(errorsOf(outcomes, fed, p))
        return [inPercent(median), inPercent(high)]
      }),
    ]),
  ),
)
