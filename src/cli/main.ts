#!/usr/bin/env node
import { inspect } from 'node:util'
import { makeLegible } from '../text/legible.js'
import { messageOf } from '../validation/validation-error.js'
import { main } from './program.js'
import { standardStream } from './standard-streams.js'
import { BAD_USAGE, SIGNALS, type Terminal } from './terminal.js'

const stdout = standardStream(process.stdout)
const stderr = standardStream(process.stderr)

const terminal: Terminal = {
  stdout: stdout.stream,
  stderr: stderr.stream,
  exitCode: 0,
  onInterrupt(handle) {
    const listeners = SIGNALS.map(({ signal, exitCode }) => [signal, () => handle(exitCode)] as const)
    for (const [signal, listener] of listeners) process.on(signal, listener)
    return () => {
      for (const [signal, listener] of listeners) process.off(signal, listener)
    }
  },
  // output of handlers and scenario modules goes to stderr, from any thread
  reserveStdout() {
    process.stdout.write = process.stderr.write.bind(process.stderr)
  },
}

const printError = (text: string) => stderr.stream.write(`throughline: ${makeLegible(text)}\n`)

/** The exit code of the process; null while the command runs. */
let exitCode: number | null = null

function end(code: number): void {
  exitCode = code
  // registered last, so it runs after the listeners of loaded modules
  process.on('exit', () => {
    process.exitCode = code
  })
  process.exit(code)
}

// a loaded module may end the process, throw, or await forever: the exit code must not look like a verdict
function endEarly(why: string): void {
  if (exitCode !== null) return
  exitCode = BAD_USAGE
  printError(why)
}
process.once('beforeExit', () => {
  endEarly('exited early: a loaded module awaits a promise that never settles')
  process.exit(BAD_USAGE)
})
process.once('exit', () => {
  endEarly('exited early: a loaded module ended the process')
  process.exitCode = exitCode as number
})
process.on('uncaughtException', (error) => {
  // a module with its own listener handles the error
  if (process.listenerCount('uncaughtException') > 1) return
  const shown = process.argv.includes('--debug') ? inspect(error) : messageOf(error)
  endEarly(`failed: uncaught error in a loaded module: ${shown}`)
  process.exit(exitCode as number)
})

const code = await main(process.argv.slice(2), terminal)
const fault = await stdout.flushed()
if (fault !== null) printError(`cannot write to standard output (${fault.code}); the output is incomplete`)
await stderr.flushed()
// keeps the exit code of an interrupted command
end(fault === null || SIGNALS.some((each) => each.exitCode === code) ? code : BAD_USAGE)
