// Measures two implementations in turn and reports whether the new one is faster. Run it with `npx tsx examples/compare.ts`.
import { setTimeout as delay } from 'node:timers/promises'
import { compare } from 'throughline'
import { renderComparison, styleFor } from 'throughline/report'

/** Three queries of 20 ms each, one after another. */
const oneByOne = async () => {
  for (let query = 0; query < 3; query++) await delay(20)
}
/** The same queries, all at once. */
const atOnce = () => Promise.all([delay(20), delay(20), delay(20)])

const comparison = await compare(
  { arrivals: '100/s', stop: { duration: '300ms' }, base: { call: oneByOne }, head: { call: atOnce } },
  { rounds: 16 },
)
console.log(renderComparison(comparison, { style: styleFor(process.stdout) }))
