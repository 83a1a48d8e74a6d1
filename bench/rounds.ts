import { spreadOf } from '../src/report/spread.js'
import { table } from '../src/report/terminal/table.js'
import { threeDigits } from '../src/text/number.js'

/** A contender: runs once, and returns its rate per second. */
export interface Contender {
  name: string
  perSecond: () => number | Promise<number>
}

/**
 * Runs contenders in turn, in alternating order from round to round, so that a slow period of the machine affects them all.
 *
 * @returns the rate of each in each round
 */
export async function inRounds<Value>(
  runs: ((round: number) => Value | Promise<Value>)[],
  rounds: number,
): Promise<Value[][]> {
  const results = runs.map((): Value[] => [])
  // a warm-up round for the compiler, not counted
  for (let round = 0; round <= rounds; round++) {
    const order = [...runs.entries()]
    for (const [i, run] of round % 2 === 0 ? order : order.reverse()) {
      const result = await run(round)
      if (round > 0) results[i]?.push(result)
    }
  }
  return results
}

/** Runs contenders in rounds. The first is compared with each of the others, round by round. */
export async function compareInRounds(
  title: string,
  unit: string,
  contenders: Contender[],
  rounds: number,
): Promise<void> {
  const results = await inRounds(
    contenders.map(({ perSecond }) => perSecond),
    rounds,
  )
  const ours = results[0] as number[]
  const rows = contenders.map(({ name }, i) => {
    const own = results[i] as number[]
    const { median, low, high } = spreadOf(own)
    const ratio = spreadOf(ours.map((rate, round) => rate / (own[round] as number)))
    return [
      name,
      threeDigits(median),
      `${threeDigits(low)} to ${threeDigits(high)}`,
      i === 0 ? '' : ratio.median.toPrecision(3),
      i === 0 ? '' : `${ratio.low.toPrecision(3)} to ${ratio.high.toPrecision(3)}`,
    ]
  })
  console.log(`\n ${title}, ${rounds} interleaved rounds\n`)
  console.log(
    table(
      [
        { header: '', align: 'left' },
        { header: `${unit}\nmedian` },
        { header: '\nspread' },
        { header: 'ours over it\nmedian' },
        { header: '\nspread' },
      ],
      rows,
    ),
  )
}
