// Measures the latency of concurrent calls. Run it with `npx tsx examples/call.ts`.
import { setTimeout as delay } from 'node:timers/promises'
import { measure } from 'throughline'
import { renderResult, styleFor } from 'throughline/report'

/** A database that takes 5 ms, and 50 ms for every twentieth order. */
const saveOrder = async (index: number) => {
  await delay(index % 20 === 19 ? 50 : 5)
}

const result = await measure({ arrivals: '200/s', call: saveOrder, stop: { duration: '3s' } })
console.log(renderResult(result, { width: 100, style: styleFor(process.stdout) }))
