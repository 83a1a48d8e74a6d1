import type { MeasureProgress, ProgressFigures } from '../../measure/options.js'
import type { Result } from '../../result/result.js'
import type { Finding } from '../../result/validity.js'
import { makeLegible } from '../../text/legible.js'
import { messageOf } from '../../validation/validation-error.js'
import type { Terminal } from '../terminal.js'
import { LiveReport } from './live-report.js'
import { isLoopback } from './loopback.js'
import { JsonLineStream } from './progress-stream.js'

/** The flags by which a run in progress is watched. */
export interface WatchFlags {
  live?: string | undefined
  pushgateway?: string | undefined
  otlp?: string | undefined
  progressFd?: string | undefined
}

/** A line of the stream of snapshots. */
interface ProgressLine extends ProgressFigures {
  /** whether the run is over, and this is its Result */
  final: boolean
  /** of the requests due in the window that have been answered; null during the warm-up */
  counts: Result['counts'] | null
  latencyMs: { count: number; mean: number; p50: number; p90: number; p99: number; max: number } | null
  throughput: Result['throughput'] | null
  findings: Finding[]
}

const EVERY_MS = 1000

/** Shows snapshots of a run in progress once a second: as a live report, as metrics, or as JSON lines. */
export class RunWatch {
  readonly #terminal: Terminal
  readonly #live: LiveReport | null
  readonly #stream: JsonLineStream | null
  #nextMs = 0
  #taking: Promise<void> | null = null
  #last: MeasureProgress | null = null
  #failed = false

  private constructor(terminal: Terminal, live: LiveReport | null, stream: JsonLineStream | null) {
    this.#terminal = terminal
    this.#live = live
    this.#stream = stream
  }

  /**
   * Starts what the flags ask for.
   *
   * @param name the name of the run in metrics
   * @throws ValidationError if a flag is invalid, or its port, gateway, collector or file descriptor cannot be used
   */
  static async start(
    terminal: Terminal,
    { progressFd, ...addresses }: WatchFlags,
    name = 'measure',
  ): Promise<RunWatch> {
    const stream = progressFd === undefined ? null : JsonLineStream.open(progressFd)
    const shows = Object.values(addresses).some((address) => address !== undefined)
    const report = shows ? await LiveReport.start(addresses, name, sayOnce(terminal)) : null
    if (report !== null && report.url !== null) {
      const open = isLoopback(new URL(report.url).hostname)
      const note = open ? '' : ', for every machine that can reach it'
      terminal.stderr.write(`throughline: live report on ${report.url}${note}\n`)
    }
    return new RunWatch(terminal, report, stream)
  }

  /** Takes a snapshot, once a second. */
  update(progress: MeasureProgress): void {
    this.#last = progress
    if (progress.timeMs < this.#nextMs || this.#taking !== null || this.#failed) return
    this.#nextMs = progress.timeMs + EVERY_MS
    this.#taking = progress
      .resultSoFar()
      .then((result) => this.#show(progress, result, false))
      .catch((error) => {
        // the run continues, and its result can still be shown
        this.#failed = true
        this.#terminal.stderr.write(`throughline: cannot show the run in progress: ${makeLegible(messageOf(error))}\n`)
      })
      .finally(() => {
        this.#taking = null
      })
  }

  #show(progress: MeasureProgress, result: Result | null, final: boolean): void {
    if (result !== null) this.#live?.show(result)
    this.#stream?.write(lineOf(progress, result, final))
  }

  /** Writes the last line, of the finished run. */
  async finish(result: Result): Promise<void> {
    await this.#taking
    if (this.#last !== null) this.#show({ ...this.#last, fraction: 1 }, result, true)
  }

  async close(): Promise<void> {
    await this.#taking
    await this.#stream?.close()
    const fault = this.#stream?.fault ?? null
    if (fault !== null) this.#terminal.stderr.write(`throughline: --progress-fd: snapshots are incomplete: ${fault}\n`)
    for (const { flag, why } of (await this.#live?.close()) ?? []) {
      this.#terminal.stderr.write(
        `throughline: ${flag}: cannot push the metrics of the finished run: ${makeLegible(why)}\n`,
      )
    }
  }
}

/** Says that metrics cannot be pushed, once until there is another reason. */
function sayOnce(terminal: Terminal): (flag: string, fault: string) => void {
  const said = new Map<string, string>()
  return (flag, fault) => {
    if (said.get(flag) === fault) return
    said.set(flag, fault)
    terminal.stderr.write(`throughline: ${flag}: cannot push metrics: ${makeLegible(fault)}; tries again\n`)
  }
}

function lineOf(progress: MeasureProgress, result: Result | null, final: boolean): ProgressLine {
  const { fraction, timeMs, endMs, sent, completed, failed } = progress
  const { count, mean, p50, p90, p99, max } = result?.latencyMs ?? {}
  return {
    ...{ final, fraction, timeMs, endMs, sent, completed, failed },
    counts: result?.counts ?? null,
    latencyMs: result === null ? null : ({ count, mean, p50, p90, p99, max } as ProgressLine['latencyMs']),
    throughput: result?.throughput ?? null,
    findings: result?.validity.findings ?? [],
  }
}
