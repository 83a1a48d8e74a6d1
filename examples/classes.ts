// Two classes of requests share the servers, and each has a budget. Run it with `npx tsx examples/classes.ts`.
import { affine, checkBudget, exponential, simulate } from 'throughline'
import { renderBudget, renderResult, styleFor } from 'throughline/report'

const style = styleFor(process.stdout)

// one request of ten is a checkout, which takes ten times as long
const shop = {
  arrivals: '150/s',
  service: affine({ base: '4ms', variation: exponential() }),
  classes: {
    browse: { weight: 9 },
    checkout: { weight: 1, service: affine({ base: '40ms', variation: exponential() }) },
  },
  stop: { requests: 500_000 },
}
const budget = { 'browse.p99': '100ms', 'checkout.p99': '300ms' }

for (const servers of [2, 3]) {
  const result = simulate({ ...shop, servers })
  console.log(renderResult(result, { width: 100, style }))
  console.log(`\n${renderBudget(checkBudget(result, budget), { width: 100, style })}\n`)
}
