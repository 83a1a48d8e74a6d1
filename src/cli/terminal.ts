import type { ProgressStream } from '../report/progress.js'

/** Where a command is run: what it prints, how it ends, and whoever may interrupt it. */
export interface Terminal {
  stdout: ProgressStream
  stderr: ProgressStream
  /** what the process ends with unless something goes wrong */
  exitCode: number
  /**
   * Has somebody else hear of Ctrl-C than the process, which it would end.
   *
   * @returns takes that back
   */
  onInterrupt(hear: () => void): () => void
  /** From here on stdout is for what the command prints alone. */
  keepStdout(): void
}

/** Exit codes beside 0. */
export const FAILED = 1
export const BAD_USAGE = 2
export const INCONCLUSIVE = 3
export const INTERRUPTED = 130
