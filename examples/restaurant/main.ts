// Which model should order the restaurants? Every answer must come within 100 ms; a higher order value is nice to have.
// Run it with `npx tsx examples/restaurant/main.ts`; `--html report.html` draws the answer too.

import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { tune } from '../../src/index.js'
import { renderHtml, renderTuned } from '../../src/report/index.js'
import { models } from './models.js'

const { values } = parseArgs({ options: { html: { type: 'string' } } })
const tuned = await tune(
  { arrivals: '120/s' },
  {
    budget: { p99: '100ms' },
    candidates: models,
    // one percent of order value is worth as much as twenty percent of the servers' cost
    wishes: { quality: 20, cost: 1 },
  },
)
console.log(renderTuned(tuned))
if (values.html !== undefined) await writeFile(values.html, renderHtml(tuned))
