// Measures how late an event loop starts requests, and its CPU, for several rules of sleeping and spinning:
// a `call` that waits for a timer of 5 ms, in this process. Run it with `npx tsx bench/studies/pacing.ts --rounds 3`; with
// `--busy`, another process keeps a core busy meanwhile.

import { fork } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
// imports the source, to set other rules
import { PACING } from '../../src/measure/clock/event-loop.js'
import { measure } from '../../src/measure/measure.js'
import { spreadOf } from '../../src/report/spread.js'
import { table } from '../../src/report/terminal/table.js'
import { poisson } from '../../src/scenario/arrivals/arrivals.js'
import { rate, time } from '../../src/text/number.js'
import { inRounds } from '../rounds.js'

const { values: asked } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
    rates: { type: 'string', default: '20,200,2000,20000' },
    busy: { type: 'boolean', default: false },
  },
})
const ROUNDS = Number(asked.rounds)
/** A percentile needs some requests. */
const FEWEST = 100

interface Rule {
  name: string
  spin: string | number
  pacing?: Partial<typeof PACING>
}

const RULES: Rule[] = [
  { name: 'never: timers alone (spin: 0)', spin: 0 },
  { name: 'from 0.36 ms before, a fifth of the time', spin: '60us', pacing: { timerNs: 300_000 } },
  { name: 'from 1.26 ms, a tenth', spin: '60us', pacing: { polling: 0.1 } },
  { name: 'from 1.26 ms, a fifth (the default)', spin: '60us' },
  { name: "from 1.7 ms, a fifth (spin: '500us')", spin: '500us' },
  { name: 'from 1.26 ms, half', spin: '60us', pacing: { polling: 0.5 } },
  { name: 'from 1.26 ms, without limit', spin: '60us', pacing: { polling: 1, allowanceNs: Number.POSITIVE_INFINITY } },
]
const DEFAULT = { ...PACING }

/** The figures of one run: milliseconds and cores. */
interface Pace {
  p50: number
  p99: number
  cores: number
  others: number
}

async function paceOf({ spin, pacing }: Rule, perSecond: number, seed: number): Promise<Pace> {
  Object.assign(PACING, DEFAULT, pacing)
  const { lagMs, host } = await measure(
    {
      arrivals: poisson(perSecond),
      call: () => setTimeout(5),
      stop: { duration: 1000 * Math.max(Number(asked.seconds), FEWEST / perSecond) },
      seed,
    },
    { spin },
  )
  const cpu = host?.cpu
  if (!cpu) throw new Error(`no CPU times on this machine: ${host?.reasons.cpu}`)
  const { periodMs, processMs, othersMs } = cpu
  return { p50: lagMs.p50, p99: lagMs.p99, cores: processMs / periodMs, others: othersMs / periodMs }
}

const busy = asked.busy ? fork(new URL('./busy.js', import.meta.url)) : null
try {
  for (const perSecond of asked.rates.split(',').map(Number)) {
    const paces = await inRounds(
      RULES.map((rule) => (round: number) => paceOf(rule, perSecond, round + 1)),
      ROUNDS,
    )
    const others = spreadOf(paces.flat().map((pace) => pace.others)).median
    console.log(
      `\n A call of 5 ms at ${rate(perSecond)}, medians of ${ROUNDS} interleaved rounds; other processes used ${others.toFixed(2)} cores\n`,
    )
    console.log(
      table(
        [
          { header: 'the event loop turns', align: 'left' },
          { header: 'lag\np50' },
          { header: '\np99' },
          { header: '\np99, spread' },
          { header: 'cores\nused' },
        ],
        paces.map((own, i) => {
          const p99 = spreadOf(own.map((pace) => pace.p99))
          return [
            RULES[i]?.name as string,
            time(spreadOf(own.map(({ p50 }) => p50)).median),
            time(p99.median),
            `${time(p99.low)} to ${time(p99.high)}`,
            spreadOf(own.map(({ cores }) => cores)).median.toFixed(2),
          ]
        }),
      ),
    )
  }
} finally {
  busy?.kill('SIGKILL')
}
