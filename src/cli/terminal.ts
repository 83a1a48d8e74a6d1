import type { ProgressStream } from '../report/terminal/progress.js'

/** The surroundings of a command: its output, its exit code and its signals. */
export interface Terminal {
  stdout: ProgressStream
  stderr: ProgressStream
  /** the exit code, unless the command fails */
  exitCode: number
  /**
   * Listens for SIGINT (Ctrl-C) and SIGTERM, which would otherwise end the process.
   *
   * @param handle called with the exit code of the signal
   * @returns a function that removes the listener
   */
  onInterrupt(handle: (exitCode: number) => void): () => void
  /** Reserves stdout for the output of the command; other output goes to stderr. */
  reserveStdout(): void
}

/** Exit codes other than 0. */
export const FAILED = 1
export const BAD_USAGE = 2
export const INCONCLUSIVE = 3
/** Signals that interrupt a command, with the exit codes that shells use for them. */
export const SIGNALS = [
  { signal: 'SIGINT', exitCode: 130 },
  { signal: 'SIGTERM', exitCode: 143 },
] as const
