import { type Command, Option } from 'commander'
import { type Progress, progressOn } from '../report/terminal/progress.js'
import { styleFor } from '../report/terminal/style.js'
import type { Result } from '../result/result.js'
import type { Finding } from '../result/validity.js'
import type { RenderOptions } from '../text/style.js'
import { messageOf } from '../validation/validation-error.js'
import { BAD_USAGE, type Terminal } from './terminal.js'

export interface OutputFlags {
  json?: boolean
  debug?: boolean
}

export function addOutputOptions(command: Command): Command {
  return command
    .addOption(new Option('--json', 'print the result as JSON, and nothing else, on stdout'))
    .addOption(new Option('--config <file>', 'defaults of this command (default: throughline.config.*, found upwards)'))
    .addOption(new Option('--debug', 'show where an error comes from'))
}

export interface ValidityFlags {
  failIfInvalid?: boolean
}

/** Adds the option of a command whose results may be invalid: what it prints says so, and the exit code if it is asked. */
export function addValidityOption(command: Command): Command {
  return command.option(
    '--fail-if-invalid',
    'exit with 2 if a run is invalid, after printing it (default: exit with 0)',
  )
}

/** Says that runs are invalid, and has the command exit with 2 for it, if that was asked. */
export function failIfInvalid(terminal: Terminal, { failIfInvalid }: ValidityFlags, results: readonly Result[]): void {
  const invalid = results.filter(({ validity }) => !validity.valid)
  if (failIfInvalid !== true || invalid.length === 0 || terminal.exitCode !== 0) return
  const codes = new Set(invalid.flatMap(({ validity }) => validity.findings.filter(isError).map(({ code }) => code)))
  const what = results.length === 1 ? 'the run is invalid' : `${invalid.length} of ${results.length} runs are invalid`
  terminal.stderr.write(`throughline: ${what}: ${[...codes].join(', ')}\n`)
  terminal.exitCode = BAD_USAGE
}

const isError = ({ severity }: Finding) => severity === 'error'

/** Prints what was found for people to read. */
export function print<T>(terminal: Terminal, found: T, render: (found: T, options: RenderOptions) => string): void {
  const { stdout } = terminal
  const width = Math.max(60, Math.min(120, stdout.columns ?? 80))
  stdout.write(`\n${render(found, { width, style: styleFor(stdout) })}\n\n`)
}

export function printJson({ stdout }: Terminal, found: unknown): void {
  stdout.write(`${JSON.stringify(found, null, 2)}\n`)
}

/** How something long is watched. */
export interface RunControl {
  /** tells how far it is; false where it is to end early and give what it has */
  report(fraction: number, text: string): boolean
  /** aborts where it cannot end early, or has not begun */
  signal: AbortSignal
}

/**
 * Does something long, with its progress on stderr. On Ctrl-C it ends early, and the exit code is 130; on SIGTERM it is
 * 143. A second signal ends the process at once.
 *
 * @param endsEarly whether it can end with what it has; if not, a signal aborts it
 */
export async function withProgress<T>(
  terminal: Terminal,
  { endsEarly }: { endsEarly: boolean },
  work: (control: RunControl) => T | Promise<T>,
): Promise<T> {
  const progress: Progress = progressOn(terminal.stderr)
  const abort = new AbortController()
  let interrupted = false
  let begun = false
  const removeListener = terminal.onInterrupt((exitCode) => {
    interrupted = true
    terminal.exitCode = exitCode
    // the next one finds nobody listening, and ends the process
    removeListener()
    if (!endsEarly || !begun) abort.abort(new Interrupted())
  })
  const report = (fraction: number, text: string) => {
    begun = true
    progress.update(fraction, interrupted ? 'ending' : text)
    return !interrupted
  }
  try {
    return await work({ report, signal: abort.signal })
  } catch (error) {
    if (interrupted && !(error instanceof Interrupted)) throw new Interrupted(messageOf(error))
    throw error
  } finally {
    removeListener()
    progress.end()
  }
}

/** A signal before there was anything to show. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  constructor(why?: string) {
    super(why === undefined ? 'interrupted' : `interrupted: ${why}`)
  }
}
