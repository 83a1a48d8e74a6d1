import type { StoredScenario } from '../../scenario/scenario.js'
import { threeDigits } from '../../text/number.js'
import { type Markup, markup } from '../markup.js'
import { hostFacts } from '../terminal/host-lines.js'
import { VERBS } from '../terminal/result-table.js'
import { scenarioLines } from '../terminal/scenario-line.js'
import type { LabelledResult } from './report-entry.js'

/** What was run, and on what. */
export function setting({ label, result }: LabelledResult): Markup {
  const { engine, scenario, environment, window, host } = result
  const what = scenario === null ? 'live requests' : scenarioLines(scenario, engine).join(', ')
  const seconds = (ms: number) => `${threeDigits(ms / 1000)} s`
  const facts: [string, string][] = [
    [VERBS[engine].toLowerCase(), what],
    [
      'over',
      `${seconds(window.endMs - window.startMs)}${window.startMs > 0 && engine !== 'record' ? ` after ${seconds(window.startMs)} of warm-up` : ''}`,
    ],
    ...(scenario === null ? [] : [['seed', String(scenario.seed)] as [string, string]]),
    ...(environment === null
      ? []
      : [
          [
            'machine',
            `Node ${environment.node} on ${environment.platform}, ${environment.cpu.trim()}, ${environment.cores} cores, load ${threeDigits(environment.load)}`,
          ] as [string, string],
        ]),
    ...(host === null ? [] : hostFacts(host)),
  ]
  return markup`${label !== '' && markup`<h3 class="run"><bdi>${label}</bdi></h3>`}<dl>${facts.map(([name, said]) => markup`<dt>${name}</dt><dd>${said}</dd>`)}</dl>${scenario !== null && markup`<details><summary>Scenario as JSON</summary><pre>${scenarioJson(scenario)}</pre></details>`}`
}

/** Of longer lists, this many values are shown. */
const MOST_VALUES = 12

function scenarioJson(scenario: StoredScenario): string {
  const shortened = JSON.stringify(
    scenario,
    (_, value) =>
      Array.isArray(value) && value.length > MOST_VALUES
        ? [...value.slice(0, MOST_VALUES), `… ${value.length - MOST_VALUES} more`]
        : value,
    2,
  )
  // numbers of one list stand in one line; no text of a scenario holds a line break here
  return shortened.replace(/\[\n([-\d.e+,\s]*)\]/g, (_, values: string) => `[${values.trim().replace(/\s+/g, ' ')}]`)
}
