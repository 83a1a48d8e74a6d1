// What the recorder of a live service gives: a Result, metrics, and a scenario to simulate.
// npx tsx examples/recorder.ts
import { checkBudget, createRecorder, prometheusText, simulate } from 'throughline'
import { renderResult } from 'throughline/report'

const recorder = createRecorder({ name: 'saveOrder', servers: 1 })

/** Stands for real work of about 2 ms. */
const saveOrder = () => new Promise((resolve) => setTimeout(resolve, 2))

async function answer(): Promise<void> {
  const start = recorder.start()
  try {
    await saveOrder()
    recorder.record(start)
  } catch (error) {
    recorder.fail(start, error)
    throw error
  }
}

for (let request = 0; request < 300; request++) await answer()

const result = recorder.snapshot({ last: '1m' })
if (result === null) throw new Error('nothing was answered in the last minute')
console.log(renderResult(result))
console.log(`\nwithin its budget: ${checkBudget(result, { p95: '50ms', errorRate: '< 1%' }).verdict}`)

const atRandom = simulate({ ...recorder.scenario({ arrivals: 'poisson' }), stop: { requests: 20_000 } })
console.log(`were the same requests to come at random, p95 would be ${atRandom.latencyMs.p95.toFixed(1)} ms\n`)
console.log(prometheusText(recorder).split('\n').slice(0, 12).join('\n'))
