import type { TaskKind } from '../threads/pool.js'

/** Simulates a scenario. */
export const SIMULATE: TaskKind = { file: new URL('./simulate-task.js', import.meta.url), name: 'simulateOnce' }
/** Runs one of several replications. */
export const REPLICATE: TaskKind = { file: new URL('./replicate-task.js', import.meta.url), name: 'replicateOnce' }
/** Runs a setting, and reads off its figures. */
export const TRY_SETTING: TaskKind = { file: new URL('./tune/trial.js', import.meta.url), name: 'trySetting' }
/** Runs a load, and checks it against a limit on p99. */
export const TRY_LOAD: TaskKind = { file: new URL('./load-task.js', import.meta.url), name: 'tryLoad' }

/** The kinds of task that agents run, by name. Nothing else in a job says what to load. */
export const KINDS: ReadonlyMap<string, TaskKind> = new Map(
  [SIMULATE, REPLICATE, TRY_SETTING, TRY_LOAD].map((each) => [each.name, each]),
)
