import { randomInt } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isCheckpoint } from '../../budget/comparison/checkpoints.js'
import type { ComparedMetric, Comparison, Pair, Round, Side } from '../../budget/comparison/comparison.js'
import { concludePairs } from '../../explore/conclude-pairs.js'
import { SIDES } from '../../explore/rounds.js'
import { environment } from '../../machine/environment.js'
import { sumBy } from '../../statistics/descriptive.js'
import { messageOf, ValidationError } from '../../validation/validation-error.js'
import { estimateDetectable } from '../detectable.js'
import {
  emptyOutcome,
  type GateProgress,
  interruptedOutcome,
  judgeConfirmation,
  uniqueNames,
  VERDICTS,
} from '../gate.js'
import type { GateOutcome } from '../gate-report.js'
import type { BenchRunner, BenchTask, TaskTimes } from './messages.js'
import { runBenchFile } from './run-file.js'

/** How tasks are compared. */
export interface TaskOptions {
  runner: BenchRunner
  /** the folder of each side in which files run */
  folders: Record<Side, string>
  /** the commit of base, in error messages */
  ref: string
  of: ComparedMetric
  within: number
  /** largest number of pairs */
  rounds: number
  /** longest time of a task in a round */
  atMostMs: number
  signal?: AbortSignal | undefined
  /** Reports progress. Returning false ends the gate early, with the outcomes so far. */
  onProgress(progress: GateProgress): boolean
}

/** A task of a file, and the outcome of the gate for it. */
interface Task {
  name: string
  outcome: GateOutcome
}

/** The fraction of a file's progress at which each part starts. */
const PARTS = { list: 0, compare: 0.05, confirm: 0.85 }
/** How often the progress is reported while a process runs. */
const POLL_MS = 200
/** Reading the clock takes a few hundredths of this. */
const FAST_MS = 0.001

/** Thrown if the gate is ended early while a process runs. */
class Ended extends Error {}

/**
 * Compares the tasks of micro-benchmarks of base and head. Each file runs in pairs of processes, one of each side, in random
 * order. The median time of a task in a process is its figure. A task whose verdict is clear does not run again.
 */
export async function compareTasks(
  files: readonly string[],
  options: TaskOptions,
): Promise<{ outcomes: GateOutcome[]; notes: string[] }> {
  const gates = files.map((file, i) => new FileGate(file, options, (part) => (i + part) / files.length))
  let ended = false
  for (const gate of gates) ended ||= await gate.list()
  const outcomes = gates.flatMap(({ tasks }) => tasks.map(({ outcome }) => outcome))
  uniqueNames(outcomes).forEach((name, i) => {
    ;(outcomes[i] as GateOutcome).name = name
  })
  const confirms = sumBy(gates, ({ compared }) => compared.length) > 1
  for (const gate of gates) {
    if (ended) gate.interrupt()
    else ended = await gate.compare(confirms)
  }
  return { outcomes, notes: noteFastTasks(outcomes) }
}

function noteFastTasks(outcomes: readonly GateOutcome[]): string[] {
  const fast = outcomes.filter(({ comparison }) => {
    const median = comparison?.metrics.find(({ metric }) => metric === 'p50')?.head
    return typeof median === 'number' && median < FAST_MS
  })
  if (fast.length === 0) return []
  const names = fast.map(({ name }) => name).join(', ')
  return [
    `${names}: ${fast.length === 1 ? 'takes' : 'take'} less than 1 us, much of it reading the clock, so changes look smaller than they are; repeat the work within the task`,
  ]
}

/** The gate of one file. */
class FileGate {
  readonly tasks: Task[] = []
  private readonly file: string
  private readonly options: TaskOptions
  private readonly fractionOf: (part: number) => number

  constructor(file: string, options: TaskOptions, fractionOf: (part: number) => number) {
    this.file = file
    this.options = options
    this.fractionOf = fractionOf
  }

  /** The tasks of both sides that have not failed. */
  get compared(): Task[] {
    return this.tasks.filter(({ outcome }) => outcome.in === 'both' && outcome.verdict !== 'failed')
  }

  /** Finds the tasks of both sides. Returns whether the gate was ended. */
  async list(): Promise<boolean> {
    const { file, options } = this
    const { base, head } = options.folders
    const in_ = existsSync(join(head, file)) ? (existsSync(join(base, file)) ? 'both' : 'head') : 'base'
    try {
      const names = async (side: Side) =>
        in_ === 'both' || in_ === side
          ? (await this.run(side, null, PARTS.list, `tasks of ${side}`)).map(({ name }) => name)
          : []
      const [ofHead, ofBase] = [await names('head'), await names('base')]
      if (ofHead.length + ofBase.length === 0) throw new ValidationError('head', 'has no benchmark')
      for (const name of new Set([...ofHead, ...ofBase])) {
        this.add(name, ofHead.includes(name) ? (ofBase.includes(name) ? 'both' : 'head') : 'base')
      }
      return false
    } catch (error) {
      if (error instanceof Ended) return true
      const reason = describe(error)
      this.add(file, in_, in_ === 'base' ? {} : { verdict: 'failed', reason })
      return false
    }
  }

  private add(name: string, in_: GateOutcome['in'], more: Partial<GateOutcome> = {}): void {
    this.tasks.push({ name, outcome: { ...emptyOutcome(name, this.file, in_), ...more } })
  }

  /** Marks the tasks as not run. */
  interrupt(): void {
    for (const { outcome } of this.compared) {
      Object.assign(outcome, interruptedOutcome)
    }
  }

  /** Compares the tasks of both sides. Returns whether the gate was ended. */
  async compare(confirms: boolean): Promise<boolean> {
    const { compared } = this
    if (compared.length === 0) return false
    try {
      return await this.comparePairs(confirms)
    } catch (error) {
      const reason = describe(error)
      for (const { outcome } of compared) Object.assign(outcome, { verdict: 'failed', reason })
      return false
    }
  }

  private async comparePairs(confirms: boolean): Promise<boolean> {
    const { rounds } = this.options
    const runs = await this.runPairs(this.compared, rounds, PARTS.compare, PARTS.confirm, 'base and head')
    for (const { name, outcome } of this.compared) {
      const comparison = this.conclude(runs.pairs.get(name), runs.ended)
      if (comparison === null) {
        Object.assign(outcome, interruptedOutcome)
        continue
      }
      const detectable = estimateDetectable(comparison)
      Object.assign(outcome, { comparison, detectable, verdict: VERDICTS[comparison.verdict] })
    }
    if (runs.ended || !confirms) return runs.ended
    const isSlower = ({ outcome }: Task) => outcome.verdict === 'fail'
    const again = this.compared.filter(isSlower)
    const others = await this.runPairs(again, rounds, PARTS.confirm, 1, 'base and head again')
    for (const { name, outcome } of again.filter(isSlower)) {
      const confirmation = this.conclude(others.pairs.get(name), others.ended)
      if (confirmation !== null) Object.assign(outcome, { confirmation, ...judgeConfirmation(confirmation) })
    }
    return others.ended
  }

  /**
   * Runs pairs of processes until the verdict on each task is clear. A task that fails in one of them is marked as failed,
   * and does not run again.
   */
  private async runPairs(
    tasks: readonly Task[],
    rounds: number,
    from: number,
    to: number,
    what: 'base and head' | 'base and head again',
  ): Promise<{ pairs: Map<string, Pair[]>; ended: boolean }> {
    const pairs = new Map<string, Pair[]>(tasks.map(({ name }) => [name, []]))
    let open = tasks
    for (let pair = 0; pair < rounds && open.length > 0; pair++) {
      const order = randomInt(2) === 0 ? SIDES : SIDES.toReversed()
      const ran: Partial<Record<Side, BenchTask[]>> = {}
      try {
        for (const [i, side] of order.entries()) {
          const part = from + ((to - from) * (pair + i / 2)) / rounds
          const names = open.map(({ name }) => name)
          ran[side] = await this.run(side, names, part, `${what}, pair ${pair + 1} of ${rounds}`)
        }
      } catch (error) {
        // an incomplete pair does not count
        if (error instanceof Ended) return { pairs, ended: true }
        throw error
      }
      for (const { name, outcome } of open) {
        const roundOf = (side: Side) => {
          const task = ran[side]?.find((each) => each.name === name)
          if (task?.times) return buildRound(task.times)
          this.fail(outcome, side, task?.failure)
          return null
        }
        const [base, head] = [roundOf('base'), roundOf('head')]
        if (base !== null && head !== null) {
          pairs.get(name)?.push({ seed: pair + 1, first: order[0] as Side, base, head })
        }
      }
      open = open.filter(({ outcome }) => outcome.verdict !== 'failed')
      if (!isCheckpoint(pair + 1, rounds)) continue
      open = open.filter(({ name }) => this.conclude(pairs.get(name), false)?.verdict === 'inconclusive')
    }
    return { pairs, ended: false }
  }

  /** Marks a task that did not complete on a side. */
  private fail(outcome: GateOutcome, side: Side, failure: string | undefined): void {
    const why = failure === undefined ? 'did not run' : `failed: ${failure}`
    Object.assign(outcome, { verdict: 'failed', reason: `${this.nameOf(side)}: ${why}` })
  }

  /** The name of a side in messages. */
  private nameOf(side: Side): string {
    return side === 'base' ? `base (${this.options.ref})` : 'head'
  }

  private conclude(pairs: readonly Pair[] | undefined, ended: boolean): Comparison | null {
    if (pairs === undefined || pairs.length === 0) return null
    const { of, within, rounds } = this.options
    const side = { scenario: null, environment: environment() }
    const how = { engine: 'bench', design: 'alternating', isNull: false, base: side, head: side } as const
    const comparison = concludePairs(pairs, { ...how, of, within, rounds, ended: false })
    const isCut = ended && comparison.verdict === 'inconclusive'
    return isCut ? concludePairs(pairs, { ...how, of, within, rounds, ended }) : comparison
  }

  /** Runs the file of one side in a process. */
  private async run(side: Side, only: readonly string[] | null, part: number, doing: string): Promise<BenchTask[]> {
    const { file, options } = this
    const { runner, folders, atMostMs, signal, onProgress } = options
    const folder = folders[side]
    const what = this.nameOf(side)
    const ending = new AbortController()
    const report = () => {
      const shouldContinue = onProgress({ fraction: this.fractionOf(part), name: file, doing })
      if (!shouldContinue) ending.abort(new Ended())
    }
    report()
    const timer = setInterval(report, POLL_MS)
    try {
      const signals = AbortSignal.any(signal === undefined ? [ending.signal] : [signal, ending.signal])
      const request = { file: join(folder, file), only, atMostMs }
      return await runBenchFile({ runner, what, folder }, request, signals)
    } finally {
      clearInterval(timer)
    }
  }
}

/** Describes why a file cannot run. Rethrows errors that have another cause. */
function describe(error: unknown): string {
  if (error instanceof ValidationError) return messageOf(error)
  throw error
}

function buildRound({ mean, p50, p99 }: TaskTimes): Round {
  return {
    figures: {
      ...{ mean, p50, p90: null, p95: null, p99, 'service.mean': null },
      ...{ throughput: mean > 0 ? 1000 / mean : 0, errorRate: 0 },
    },
    invalid: [],
  }
}
