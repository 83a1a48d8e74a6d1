// Is the new way faster than the old one? Both are measured in turn. Run it with `npx tsx examples/compare.ts`.
import { setTimeout as delay } from 'node:timers/promises'
import { compare } from 'throughline'
import { renderComparison, styleFor } from 'throughline/report'

/** A database that takes 5 ms for each of three queries, one after another … */
const oneByOne = async () => {
  for (let query = 0; query < 3; query++) await delay(5)
}
/** … or all at once. */
const atOnce = () => Promise.all([delay(5), delay(5), delay(5)])

const comparison = await compare(
  { arrivals: '100/s', stop: { duration: '200ms' }, base: { call: oneByOne }, head: { call: atOnce } },
  { rounds: 16 },
)
console.log(renderComparison(comparison, { style: styleFor(process.stdout) }))
