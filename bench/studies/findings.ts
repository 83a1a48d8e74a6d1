// Counts the findings of measurements: runs of a `call` that waits for a timer of 5 ms, and of the real model of
// examples/real-model. At most 2 of 100 may have a warning or an error on an idle machine; with `--busy`, while another
// process keeps a core busy, at least 95 of 100 must have a `cpu-contention` that names it.
//
//   npx tsx bench/studies/findings.ts --runs 100
//   npx tsx bench/studies/findings.ts --runs 100 --busy

import { fork } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Finding, measure, type Scenario } from 'throughline'
import { inBatchesOf } from '../../examples/real-model/model.ts'
import { table } from '../../src/report/terminal/table.js'

const { values: asked } = parseArgs({
  options: {
    runs: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '2' },
    targets: { type: 'string', default: 'call,model' },
    busy: { type: 'boolean', default: false },
  },
})
const RUNS = Number(asked.runs)
const MOST_IDLE = 0.02
const FEWEST_BUSY = 0.95

const TARGETS: Record<string, { name: string; scenario: Scenario }> = {
  call: { name: 'a call of 5 ms at 200/s', scenario: { arrivals: '200/s', call: () => setTimeout(5) } },
  model: { name: 'the real model at 2,000/s', scenario: { arrivals: '2000/s', ...inBatchesOf(8) } },
}
const targets = asked.targets.split(',').map((key) => {
  const target = TARGETS[key]
  if (target === undefined) throw new Error(`--targets must be of ${Object.keys(TARGETS)}, got ${key}`)
  return { ...target, runs: [] as Finding[][] }
})

const busy = asked.busy ? fork(new URL('./busy.js', import.meta.url)) : null
try {
  for (let seed = 1; seed <= RUNS; seed++) {
    for (const { scenario, runs } of targets) {
      const { validity } = await measure({ ...scenario, stop: { duration: `${asked.seconds}s` }, seed })
      runs.push(validity.findings.filter(({ severity }) => severity !== 'info'))
    }
  }
} finally {
  busy?.kill('SIGKILL')
}

const kindOf = ({ code, severity }: Finding) => `${code}, ${severity}`
const isNamed = ({ code, message }: Finding) => code === 'cpu-contention' && message.includes(`(pid ${busy?.pid})`)
const state = busy === null ? 'nothing else running' : 'another process keeping a core busy'
for (const { name, runs } of targets) {
  const count = (is: (finding: Finding) => boolean) => runs.filter((findings) => findings.some(is)).length
  const kinds = [...new Set(runs.flat().map(kindOf))].sort()
  console.log(`\n ${RUNS} runs of ${asked.seconds} s of ${name}, ${state}\n`)
  console.log(
    table(
      [{ header: 'finding', align: 'left' }, { header: 'runs' }],
      [
        ...kinds.map((kind) => [kind, String(count((finding) => kindOf(finding) === kind))]),
        ['any warning or error', String(count(() => true))],
        ...(busy === null ? [] : [['cpu-contention that names the busy process', String(count(isNamed))]]),
      ],
    ),
  )
  for (const kind of kinds) {
    console.log(` ${kind}, for instance: ${runs.flat().find((finding) => kindOf(finding) === kind)?.message}`)
  }
  const isKept = busy === null ? count(() => true) <= MOST_IDLE * RUNS : count(isNamed) >= FEWEST_BUSY * RUNS
  const bound =
    busy === null ? `at most ${100 * MOST_IDLE} % with any` : `at least ${100 * FEWEST_BUSY} % that name the process`
  console.log(`\n ${isKept ? 'Within' : 'BEYOND'} the bound: ${bound}`)
  if (!isKept) process.exitCode = 1
}
