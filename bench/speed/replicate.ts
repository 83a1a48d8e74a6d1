// Compares replications on two threads with one. Run it with `npx tsx bench/speed/replicate.ts [ROUNDS]`.
import { affine, exponential, replicate } from 'throughline'
import { compareInRounds } from '../rounds.js'

const ROUNDS = Number(process.argv[2] ?? 20)
const REPLICATIONS = 8
const REQUESTS = 2_000_000

const on = (threads: number) => async () => {
  const begun = performance.now()
  await replicate(
    {
      arrivals: 80,
      service: affine({ base: '10ms', variation: exponential() }),
      stop: { requests: REQUESTS },
    },
    { replications: REPLICATIONS, threads },
  )
  return (1000 * REPLICATIONS * REQUESTS) / (performance.now() - begun)
}

await compareInRounds(
  `M/M/1 at 80 % load, ${REPLICATIONS} replications of ${REQUESTS.toLocaleString('en')} requests`,
  'requests/s',
  [
    { name: 'two threads', perSecond: on(2) },
    { name: 'one thread', perSecond: on(1) },
  ],
  ROUNDS,
)
