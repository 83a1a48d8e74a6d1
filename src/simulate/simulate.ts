import { z } from 'zod'
import { isEnough } from '../budget/enough.js'
import type { Recording } from '../result/recording.js'
import { type Result, resultOf } from '../result/result.js'
import { resolveScenario, type Scenario, type SimulatedScenario, type StoredScenario } from '../scenario/scenario.js'
import { type CheckpointedStop, checkpointsOf } from '../scenario/stop.js'
import { options as optionsOf } from '../scenario/units.js'
import { throwFaults, ValidationError } from '../validation/validation-error.js'
import { Engine, type SimulationEvent } from './engine.js'

/** What is not data about a simulation. */
export interface SimulateOptions {
  /** Called with every batch at its start, every rejection and every timeout, in order. */
  onEvent?: ((event: SimulationEvent) => void) | undefined
  /** Called every 65,536 requests; returning false ends the run there. */
  onProgress?: ((progress: { requests: number; timeMs: number }) => unknown) | undefined
}

const callback = z.custom((value) => typeof value === 'function', { error: 'must be a function' }).optional()
const schema = optionsOf({ onEvent: callback, onProgress: callback })

/**
 * Runs a scenario in virtual time: servers whose service time is modelled by `scenario.service`, millions of
 * requests a second. The same scenario gives the same Result, to the byte. Events at one instant are handled in the
 * order that `docs/architecture.md` gives.
 *
 * @throws ValidationError if the scenario cannot be run, an option is invalid, or no request completed
 */
export function simulate(scenario: Scenario | StoredScenario, options: SimulateOptions = {}): Result {
  const resolved = resolveScenario(scenario, 'simulate')
  const checked = schema.safeParse(options)
  if (!checked.success) throwFaults(checked.error, 'options', options)
  const { stop } = resolved
  return 'atMost' in stop ? simulateUntilEnough(resolved, stop, options) : resultOf(run(resolved, options))
}

function run(scenario: SimulatedScenario, { onEvent, onProgress }: SimulateOptions): Recording {
  const goOn = onProgress && ((requests: number, timeMs: number) => onProgress({ requests, timeMs }) !== false)
  const recording = new Engine(scenario, onEvent).run(goOn)
  refuseEmpty(recording)
  return recording
}

/**
 * Runs it up to each checkpoint, from the start, until it knows enough: at one seed a longer run begins
 * with the shorter one, so that it is as if it had gone on, and takes twice the time at most.
 */
function simulateUntilEnough(
  scenario: SimulatedScenario,
  stop: CheckpointedStop,
  { onEvent, onProgress }: SimulateOptions,
): Result {
  const lengths = checkpointsOf(stop)
  let endedAt = Number.POSITIVE_INFINITY
  const goOn = (requests: number, timeMs: number) => {
    if (onProgress?.({ requests, timeMs }) === false) endedAt = requests
    return requests < endedAt
  }
  for (const [checkpoint, length] of lengths.entries()) {
    const at = { ...scenario, stop: length }
    const recording = new Engine(at).run(goOn)
    const last = checkpoint === lengths.length - 1 || endedAt < Number.POSITIVE_INFINITY
    if (recording.counts.completed === 0 && !last) continue
    refuseEmpty(recording)
    const checkpoints = { planned: lengths.length, taken: checkpoint + 1 }
    const result = resultOf({ ...recording, scenario, checkpoints })
    if (!last && !isEnough(result, stop)) continue
    // once more, now that it is known how far
    if (onEvent !== undefined) new Engine(at, onEvent).run((requests) => requests < endedAt)
    return result
  }
  throw new Error('a run has one checkpoint or more')
}

/** Refuses a recording that has nothing to show. */
export function refuseEmpty({ counts }: Recording): void {
  if (counts.completed > 0) return
  throw new ValidationError(
    '',
    `no request that was due in the window completed: ${JSON.stringify(counts)}; run for longer, warm up for less, or let more through the queue`,
  )
}
