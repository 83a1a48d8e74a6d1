import type { ProgressStream } from '../report/terminal/progress.js'

/** Where a command is run: what it prints, how it ends, and whoever may interrupt it. */
export interface Terminal {
  stdout: ProgressStream
  stderr: ProgressStream
  /** what the process ends with unless something goes wrong */
  exitCode: number
  /**
   * Listens for SIGINT (Ctrl-C) and SIGTERM, which would else end the process.
   *
   * @param hear called with the exit code of a command that is interrupted so
   * @returns takes that back
   */
  onInterrupt(hear: (exitCode: number) => void): () => void
  /** From here on stdout is for what the command prints alone. */
  reserveStdout(): void
}

/** Exit codes beside 0. */
export const FAILED = 1
export const BAD_USAGE = 2
export const INCONCLUSIVE = 3
/** What interrupts a command, and the exit code that shells give one that it has ended. */
export const SIGNALS = [
  { signal: 'SIGINT', exitCode: 130 },
  { signal: 'SIGTERM', exitCode: 143 },
] as const
