import { describeMachines } from '../../result/merge/merged.js'
import type { StoredScenario } from '../../scenario/scenario.js'
import { seconds, threeDigits } from '../../text/number.js'
import { MACHINE_TITLES, machineRows } from '../machines.js'
import { type Markup, markup } from '../markup.js'
import { hostFacts } from '../terminal/host-lines.js'
import { listTraffic, VERBS } from '../terminal/result-table.js'
import { describeScenario } from '../terminal/scenario-line.js'
import { renderDataTable } from './data-table.js'
import type { LabelledResult } from './report-entry.js'

/** Renders the scenario of a run and the machine it ran on. */
export function renderSetting({ label, result }: LabelledResult): Markup {
  const { engine, scenario, environment, window, host, merged } = result
  const machines = describeMachines(result)
  const what = scenario === null ? 'live requests' : describeScenario(scenario, engine).join(', ')
  const facts: [string, string][] = [
    [VERBS[engine].toLowerCase(), what],
    ...(machines === null ? [] : [['sent by', machines] as [string, string]]),
    [
      'over',
      `${seconds(window.endMs - window.startMs)}${window.startMs > 0 && engine !== 'record' ? ` after ${seconds(window.startMs)} of warm-up` : ''}`,
    ],
    ...listTraffic(result),
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
  return markup`${label !== '' && markup`<h3 class="run"><bdi>${label}</bdi></h3>`}<dl>${facts.map(([name, text]) => markup`<dt>${name}</dt><dd>${text}</dd>`)}</dl>${merged !== undefined && renderDataTable({ caption: 'Machines', columns: MACHINE_TITLES, rows: machineRows(merged).map(([name, ...cells]) => [markup`<bdi>${name}</bdi>`, ...cells]) })}${scenario !== null && markup`<details><summary>Scenario as JSON</summary><pre>${scenarioJson(scenario)}</pre></details>`}`
}

/** How many values of a list are shown. */
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
  // put the numbers of a list on one line; JSON strings hold no line breaks
  return shortened.replace(/\[\n([-\d.e+,\s]*)\]/g, (_, values: string) => `[${values.trim().replace(/\s+/g, ' ')}]`)
}
