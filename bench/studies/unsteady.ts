// Measures how often `unsteady` is found although nothing changes. Run it with `npx tsx bench/studies/unsteady.ts --seeds 500`.

import { parseArgs } from 'node:util'
import { unsteadyFinding } from '../../src/result/unsteady.js'
import { resolveScenario, type Scenario } from '../../src/scenario/scenario.js'
import { affine } from '../../src/scenario/service/service.js'
import { exponential } from '../../src/scenario/service/variation.js'
import { Engine } from '../../src/simulate/engine.js'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '500' },
    requests: { type: 'string', default: '3000,10000,30000,100000,1000000' },
  },
})
const seeds = Number(values.seeds)

const exponentially = affine({ base: '1ms', variation: exponential() })
const cases: Record<string, Scenario> = {
  'M/M/1, 50 % load': { arrivals: '500/s', service: exponentially },
  'M/M/1, 80 % load': { arrivals: '800/s', service: exponentially },
  'M/M/1, 95 % load': { arrivals: '950/s', service: exponentially },
  'M/M/4, 80 % load': { arrivals: '3200/s', service: exponentially, servers: 4 },
  'batches of up to 50, 80 % load': {
    arrivals: '2000/s',
    service: affine({ base: '7.5ms', perItem: '0.25ms' }),
    batching: { maxBatchSize: 50, maxWait: '5ms' },
  },
}

console.log('| case | requests | found, % | |\n| --- | --- | --- | --- |')
for (const [name, scenario] of Object.entries(cases)) {
  for (const requests of values.requests.split(',').map(Number)) {
    let found = 0
    for (let seed = 1; seed <= seeds; seed++) {
      const resolved = resolveScenario({ ...scenario, stop: { requests }, seed: 10_000 + seed }, 'simulate')
      if (unsteadyFinding(new Engine(resolved).run()) !== null) found++
    }
    console.log(
      `| ${name} | ${requests.toLocaleString('en')} | ${((100 * found) / seeds).toFixed(2)} | ${found} of ${seeds} |`,
    )
  }
}
