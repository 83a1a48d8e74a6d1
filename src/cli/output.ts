import { extname } from 'node:path'
import { type Command, Option } from 'commander'
import { jsonText } from '../files/stored.js'
import { type Progress, progressOn } from '../report/terminal/progress.js'
import { styleFor } from '../report/terminal/style.js'
import { priceSchema } from '../result/cost.js'
import type { Result } from '../result/result.js'
import type { Finding } from '../result/validity.js'
import { NARROWEST, type RenderOptions } from '../text/style.js'
import { messageOf, throwFaults, ValidationError } from '../validation/validation-error.js'
import { BAD_USAGE, type Terminal } from './terminal.js'

export interface OutputFlags {
  json?: boolean | undefined
  debug?: boolean | undefined
}

export function addOutputOptions(command: Command): Command {
  return command
    .addOption(new Option('--json', 'print only JSON to stdout'))
    .addOption(
      new Option(
        '--config <file>',
        'file with defaults (default: the nearest throughline.config.*, in this folder or above)',
      ),
    )
    .addOption(new Option('--debug', 'print the stack of an error'))
}

/**
 * The format of a file, by its extension.
 *
 * @throws ValidationError if the extension is not one of the formats
 */
export function formatOf<Format extends string>(file: string, formats: readonly Format[]): Format {
  const extension = extname(file).slice(1).toLowerCase()
  const format = formats.find((each) => each === extension)
  if (format !== undefined) return format
  throw new ValidationError(file, `must have one of these extensions: ${formats.map((each) => `.${each}`).join(', ')}`)
}

/** Adds the option of commands with a verdict; `when` begins its description if it does not always apply. */
export function addInconclusiveOption(command: Command, when = ''): Command {
  return command.addOption(
    new Option('--on-inconclusive <verdict>', `${when}how to treat an inconclusive result (default: fail)`).choices([
      'fail',
      'pass',
    ]),
  )
}

export interface PriceFlags {
  price?: string
}

/** Adds the option of commands that show what a run costs. */
export function addPriceOption(command: Command): Command {
  return command.option('--price <n>', 'price of one server for an hour: show what the run costs (default: no cost)')
}

/** Reads the price of a server; undefined without one. */
export function priceOf({ price }: PriceFlags): number | undefined {
  if (price === undefined) return undefined
  const parsed = priceSchema.safeParse(price.trim() === '' ? price : Number(price))
  if (!parsed.success) throwFaults(parsed.error, '--price', price)
  return parsed.data
}

export interface ValidityFlags {
  failIfInvalid?: boolean
}

/** Adds an option to commands whose results may be invalid, which sets the exit code for invalid results. */
export function addValidityOption(command: Command): Command {
  return command.option('--fail-if-invalid', 'exit with 2 if a run is invalid (default: exit with 0)')
}

/** Reports invalid runs and sets the exit code to 2, if `--fail-if-invalid` is given. */
export function failIfInvalid(terminal: Terminal, { failIfInvalid }: ValidityFlags, results: readonly Result[]): void {
  const invalid = results.filter(({ validity }) => !validity.valid)
  if (failIfInvalid !== true || invalid.length === 0 || terminal.exitCode !== 0) return
  const codes = new Set(invalid.flatMap(({ validity }) => validity.findings.filter(isError).map(({ code }) => code)))
  const what = results.length === 1 ? 'the run is invalid' : `${invalid.length} of ${results.length} runs are invalid`
  terminal.stderr.write(`throughline: ${what}: ${[...codes].join(', ')}\n`)
  terminal.exitCode = BAD_USAGE
}

const isError = ({ severity }: Finding) => severity === 'error'

/** Prints a rendered value, as wide as the terminal. */
export function print<T>(terminal: Terminal, value: T, render: (value: T, options: RenderOptions) => string): void {
  const { stdout } = terminal
  const width = Math.max(NARROWEST, Math.min(120, stdout.columns ?? 80))
  stdout.write(`\n${render(value, { width, style: styleFor(stdout) })}\n\n`)
}

export function printJson({ stdout }: Terminal, value: unknown): void {
  stdout.write(jsonText(value))
}

/** Controls of a long run. */
export interface RunControl {
  /** reports progress; returns false if the run must end early with what it has */
  report(fraction: number, text: string): boolean
  /** aborts a run that cannot end early or has not begun */
  signal: AbortSignal
}

/**
 * Runs something long, with its progress on stderr. Ctrl-C ends it early with exit code 130, SIGTERM with 143. A second
 * signal ends the process at once.
 *
 * @param endsEarly whether it can end early with what it has; if not, a signal aborts it
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
    // without a listener, the next signal ends the process
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

/** Thrown if a signal arrives before there is anything to show. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  constructor(why?: string) {
    super(why === undefined ? 'interrupted' : `interrupted: ${why}`)
  }
}
