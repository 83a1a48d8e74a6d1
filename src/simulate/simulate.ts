import { z } from 'zod'
import { isDecided } from '../budget/is-decided.js'
import { countsText, type Recording } from '../result/recording.js'
import { type Result, resultOf } from '../result/result.js'
import { resolveScenario, type Scenario, type SimulatedScenario, type StoredScenario } from '../scenario/scenario.js'
import { type CheckpointedStop, checkpointsOf } from '../scenario/stop.js'
import { options as optionsOf } from '../scenario/units.js'
import { throwFaults, ValidationError } from '../validation/validation-error.js'
import { Engine, type SimulationEvent } from './engine.js'

/** Options of a simulation that are not data. */
export interface SimulateOptions {
  /**
   * Called for every batch at its start, every rejection and every timeout, in order.
   *
   * @default no events are created
   */
  onEvent?: ((event: SimulationEvent) => void) | undefined
  /**
   * Called every 65,536 requests. Return false to stop the run.
   *
   * @default the run cannot be stopped
   */
  onProgress?: ((progress: { requests: number; timeMs: number }) => unknown) | undefined
}

const callback = z.custom((value) => typeof value === 'function', { error: 'must be a function' }).optional()
const schema = optionsOf({ onEvent: callback, onProgress: callback })

/**
 * Simulates a scenario in virtual time, at millions of requests per second. Service times come from `scenario.service`.
 * The same scenario gives the same Result, to the byte. `docs/architecture.md` gives the order of events at one instant.
 *
 * @throws ValidationError if the scenario or an option is invalid, or no request completed
 * @example
 * const result = simulate({
 *   arrivals: '800/s',
 *   service: affine({ base: '7.5ms', perItem: '0.25ms' }),
 *   batching: { maxBatchSize: 50, maxWait: '5ms' },
 *   stop: { requests: 100_000 },
 * })
 * result.latencyMs.p99 // milliseconds
 */
export function simulate(scenario: Scenario | StoredScenario, options: SimulateOptions = {}): Result {
  const resolved = resolveScenario(scenario, 'simulate')
  const checked = schema.safeParse(options)
  if (!checked.success) throwFaults(checked.error, 'options', options)
  const { stop } = resolved
  return 'atMost' in stop ? simulateUntilEnough(resolved, stop, options) : resultOf(run(resolved, options))
}

function run(scenario: SimulatedScenario, { onEvent, onProgress }: SimulateOptions): Recording {
  const report = onProgress && ((requests: number, timeMs: number) => onProgress({ requests, timeMs }) !== false)
  const recording = new Engine(scenario, onEvent).run(report)
  refuseEmpty(recording)
  return recording
}

/**
 * Runs the scenario up to each checkpoint until the result is sufficient. Each run starts from time 0: at one seed a
 * longer run begins with the shorter one, so the result is that of a continued run, at up to twice the time.
 */
function simulateUntilEnough(
  scenario: SimulatedScenario,
  stop: CheckpointedStop,
  { onEvent, onProgress }: SimulateOptions,
): Result {
  const lengths = checkpointsOf(stop)
  let endedAt = Number.POSITIVE_INFINITY
  const report = (requests: number, timeMs: number) => {
    if (onProgress?.({ requests, timeMs }) === false) endedAt = requests
    return requests < endedAt
  }
  for (const [checkpoint, length] of lengths.entries()) {
    const at = { ...scenario, stop: length }
    const recording = new Engine(at).run(report)
    const last = checkpoint === lengths.length - 1 || endedAt < Number.POSITIVE_INFINITY
    if (recording.counts.completed === 0 && !last) continue
    refuseEmpty(recording)
    const checkpoints = { planned: lengths.length, taken: checkpoint + 1 }
    const result = resultOf({ ...recording, scenario, checkpoints })
    if (!last && !isDecided(result, stop)) continue
    // events can only be emitted once it is known where the run ends: run it again
    if (onEvent !== undefined) new Engine(at, onEvent).run((requests) => requests < endedAt)
    return result
  }
  throw new Error('a run has one checkpoint or more')
}

/** Throws if no request completed. */
export function refuseEmpty({ counts }: Recording): void {
  if (counts.completed > 0) return
  throw new ValidationError(
    '',
    `no request due in the window completed: ${countsText(counts)}; make the run longer, the warm-up shorter, or the limits of the queue wider`,
  )
}
