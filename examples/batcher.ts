// Calls of a service, batched by the policy that was measured. Run it with `npx tsx examples/batcher.ts`.
import { setTimeout as delay } from 'node:timers/promises'
import { createBatcher } from 'throughline'
import { renderResult, styleFor } from 'throughline/report'

/** A database that takes 4 ms for a query, and 0.1 ms for each key in it. */
const findUsers = async (ids: number[]) => {
  await delay(4 + 0.1 * ids.length)
  return ids.map((id) => (id < 0 ? new RangeError(`there is no user ${id}`) : { id, name: `user ${id}` }))
}

const users = createBatcher(findUsers, {
  batching: { maxBatchSize: 32, maxWait: '2ms' },
  servers: 2,
  queue: { capacity: 500, timeout: '1s' },
})

// each call gets its own answer or error
const [ada, nobody] = await Promise.allSettled([users.run(7), users.run(-1, { timeout: '100ms' })])
console.log(ada.status === 'fulfilled' && ada.value.name, '/', nobody.status === 'rejected' && nobody.reason.message)

for (let burst = 0; burst < 300; burst++) {
  await delay(5)
  for (let i = 0; i < 6; i++) void users.run(i)
}
await users.close()

const live = users.recorder?.snapshot()
if (live) console.log(renderResult(live, { width: 100, style: styleFor(process.stdout) }))
