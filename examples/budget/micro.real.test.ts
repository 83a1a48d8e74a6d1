import { fromTinybench } from 'throughline'
import { Bench, type TaskResult } from 'tinybench'
import 'throughline/vitest'
import { expect, it } from 'vitest'

const order = { id: 7, lines: Array.from({ length: 100 }, (_, i) => ({ article: `a${i}`, pieces: i })) }

it('parses an order within its budget', async () => {
  // ten short runs instead of a long one: their differences give the intervals
  const runs: TaskResult[] = []
  for (let i = 0; i < 10; i++) {
    const bench = new Bench({ iterations: 1000, time: 0, retainSamples: true })
    bench.add('parse', () => JSON.parse(JSON.stringify(order)))
    await bench.run()
    runs.push(...bench.results)
  }
  expect(fromTinybench(runs)).toMeetBudget({ p99: '50ms', mean: '10ms' })
})
