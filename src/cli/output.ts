import { type Command, Option } from 'commander'
import { type Progress, progressOn } from '../report/progress.js'
import { styleFor } from '../report/style.js'
import type { Look } from '../text/style.js'

export interface OutputFlags {
  json?: boolean
  debug?: boolean
}

export function addOutputOptions(command: Command): Command {
  return command
    .addOption(new Option('--json', 'print the result as JSON, and nothing else, on stdout'))
    .addOption(new Option('--debug', 'show where an error comes from'))
    .hook('preAction', keepStdout)
}

const write = process.stdout.write.bind(process.stdout)

/** What a handler or a scenario's module prints goes to stderr, on whatever thread: stdout is for the result alone. */
function keepStdout(): void {
  process.stdout.write = process.stderr.write.bind(process.stderr)
}

/** Prints what was found for people to read. */
export function print<T>(found: T, render: (found: T, look: Look) => string): void {
  const width = Math.max(60, Math.min(100, process.stdout.columns ?? 80))
  write(`\n${render(found, { width, style: styleFor(process.stdout) })}\n\n`)
}

export function printJson(found: unknown): void {
  write(`${JSON.stringify(found, null, 2)}\n`)
}

/** Does something long, telling on stderr how far it is; `signal` aborts on Ctrl-C. */
export async function withProgress<T>(
  engine: 'simulate' | 'measure',
  work: (progress: Progress, signal: AbortSignal) => T | Promise<T>,
): Promise<T> {
  const progress = progressOn(process.stderr)
  const abort = new AbortController()
  const interrupt = () => abort.abort(new Interrupted())
  // A simulation hears nothing while it runs, so Ctrl-C is left to end the process. A measurement has threads to end;
  // a second Ctrl-C finds nobody listening, and ends the process at once.
  if (engine === 'measure') process.once('SIGINT', interrupt)
  try {
    return await work(progress, abort.signal)
  } finally {
    process.off('SIGINT', interrupt)
    progress.end()
  }
}

/** Ctrl-C. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  constructor() {
    super('interrupted')
  }
}
