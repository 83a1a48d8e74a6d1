import { spreadOf } from '../src/report/spread.js'
import { table } from '../src/report/table.js'
import { threeDigits } from '../src/text/number.js'

/** One of the things that are compared: runs once, and says how many a second it did. */
export interface Contender {
  name: string
  perSecond: () => number | Promise<number>
}

/**
 * Runs contenders in turn, round after round, there and back, so that a slow period of the machine meets them all. The
 * first is compared with each of the others, round by round.
 */
export async function compareInRounds(
  title: string,
  unit: string,
  contenders: Contender[],
  rounds: number,
): Promise<void> {
  const results = contenders.map((): number[] => [])
  // one round for the compiler, not counted
  for (let round = 0; round <= rounds; round++) {
    const order = [...contenders.entries()]
    for (const [i, { perSecond }] of round % 2 === 0 ? order : order.reverse()) {
      const rate = await perSecond()
      if (round > 0) results[i]?.push(rate)
    }
  }
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
