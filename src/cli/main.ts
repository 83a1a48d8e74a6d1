#!/usr/bin/env node
import { createRequire } from 'node:module'
import { inspect } from 'node:util'
import { Command, CommanderError } from 'commander'
import { checkCommand } from './check.js'
import { compareCommand } from './compare.js'
import { measureCommand } from './measure.js'
import { Interrupted } from './output.js'
import { simulateCommand } from './simulate.js'
import { sweepCommand } from './sweep.js'

const BAD_USAGE = 2
const INTERRUPTED = 130

const { version, description } = createRequire(import.meta.url)('../../package.json')

const program = new Command('throughline')
  .description(description)
  .version(version)
  .addCommand(simulateCommand())
  .addCommand(measureCommand())
  .addCommand(sweepCommand())
  .addCommand(checkCommand())
  .addCommand(compareCommand())
for (const command of [program, ...program.commands]) {
  command.exitOverride().configureOutput({
    outputError: (text, write) => write(text.replace(/^error: /, `${program.name()}: `)),
  })
}

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // whoever read it has read enough
    if (error.code === 'EPIPE') process.exit()
    throw error
  })
}

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = exitCodeOf(error)
  // commander has said its own
  if (!(error instanceof CommanderError)) say(error)
}

function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return INTERRUPTED
  if (error instanceof CommanderError && error.exitCode === 0) return 0
  return BAD_USAGE
}

/** One line for people, all there is for those who look for a fault. */
function say(error: unknown): void {
  const debug = process.argv.includes('--debug')
  const message = error instanceof Error ? error.message : String(error)
  process.stderr.write(`${program.name()}: ${debug ? inspect(error) : message}\n`)
}
