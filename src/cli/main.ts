#!/usr/bin/env node
import { inspect } from 'node:util'
import { legible } from '../text/legible.js'
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
  onInterrupt(hear) {
    const heard = SIGNALS.map(({ signal, exitCode }) => [signal, () => hear(exitCode)] as const)
    for (const [signal, listener] of heard) process.on(signal, listener)
    return () => {
      for (const [signal, listener] of heard) process.off(signal, listener)
    }
  },
  // what a handler or a scenario's module prints goes to stderr, on whatever thread
  reserveStdout() {
    process.stdout.write = process.stderr.write.bind(process.stderr)
  },
}

const say = (text: string) => stderr.stream.write(`throughline: ${legible(text)}\n`)

/** What the process ends with; null while the command is at work. */
let exitCode: number | null = null

function end(code: number): void {
  exitCode = code
  // registered last, it is heard after those of a module
  process.on('exit', () => {
    process.exitCode = code
  })
  process.exit(code)
}

// a module that it loads may end the process, throw on its own, or await what never comes: none of that is a verdict
function endEarly(why: string): void {
  if (exitCode !== null) return
  exitCode = BAD_USAGE
  say(why)
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
  // one that has handlers of its own deals with it
  if (process.listenerCount('uncaughtException') > 1) return
  const shown = process.argv.includes('--debug') ? inspect(error) : messageOf(error)
  endEarly(`failed: a loaded module threw an error that nothing caught: ${shown}`)
  process.exit(exitCode as number)
})

const code = await main(process.argv.slice(2), terminal)
const fault = await stdout.flushed()
if (fault !== null) say(`standard output cannot be written (${fault.code}); what it holds is not all of it`)
await stderr.flushed()
// one that was interrupted ends as such
end(fault === null || SIGNALS.some((each) => each.exitCode === code) ? code : BAD_USAGE)
