// The cost of a call through a batcher, compared with dataloader and a bare promise, in CPU time of this process, which
// other processes do not affect. Run it with `npx tsx bench/speed/batcher.ts --rounds 10`.

import { parseArgs } from 'node:util'
import DataLoader from 'dataloader'
import { createBatcher } from 'throughline/serve'
import { compareInRounds } from '../rounds.js'

const { values: asked } = parseArgs({ options: { rounds: { type: 'string', default: '10' } } })
const ROUNDS = Number(asked.rounds)
const CALLS = 200_000

/** Returns calls a second of CPU time, made `together` at a time and then awaited. */
async function perSecond(together: number, call: (input: number) => Promise<number>): Promise<number> {
  const began = process.cpuUsage()
  const calls = new Array<Promise<number>>(together)
  for (let done = 0; done < CALLS; done += together) {
    for (let i = 0; i < together; i++) calls[i] = call(i)
    await Promise.all(calls)
  }
  const { user, system } = process.cpuUsage(began)
  return (1e6 * CALLS) / (user + system)
}

const answer = async (batch: readonly number[]) => batch as number[]

for (const together of [1, 10, 100]) {
  const batching = { maxBatchSize: together, maxWait: together === 1 ? 0 : '5ms' }
  const recorded = createBatcher(answer, { batching })
  const bare = createBatcher(answer, { batching, recorder: false })
  const limited = createBatcher(answer, { batching, queue: { capacity: 1000, timeout: '1s' } })
  const loader = new DataLoader<number, number>(answer, { cache: false, maxBatchSize: together })
  await compareInRounds(
    `Calls a second of CPU time, ${together} at a time in one batch`,
    'calls/s',
    [
      { name: 'batcher, without a recorder', perSecond: () => perSecond(together, (input) => bare.run(input)) },
      { name: 'dataloader, without its cache', perSecond: () => perSecond(together, (input) => loader.load(input)) },
      { name: 'a bare promise', perSecond: () => perSecond(together, async (input) => input) },
      { name: 'batcher, with its recorder', perSecond: () => perSecond(together, (input) => recorded.run(input)) },
      { name: 'with a full queue and a timeout', perSecond: () => perSecond(together, (input) => limited.run(input)) },
    ],
    ROUNDS,
  )
  await Promise.all([recorded, bare, limited].map((batcher) => batcher.close()))
}
