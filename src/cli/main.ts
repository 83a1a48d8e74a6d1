#!/usr/bin/env node
import { main } from './program.js'
import { BAD_USAGE, type Terminal } from './terminal.js'

let done = false

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // whoever read it has read enough
    if (error.code === 'EPIPE') {
      done = true
      process.exit()
    }
    throw error
  })
}

const write = process.stdout.write.bind(process.stdout)

const terminal: Terminal = {
  stdout: Object.create(process.stdout, { write: { value: write } }),
  stderr: process.stderr,
  exitCode: 0,
  onInterrupt(hear) {
    process.on('SIGINT', hear)
    return () => {
      process.off('SIGINT', hear)
    }
  },
  // what a handler or a scenario's module prints goes to stderr, on whatever thread
  keepStdout() {
    process.stdout.write = process.stderr.write.bind(process.stderr)
  },
}

// a module that it loads may end the process, or have it wait for what never comes: that must not look like a pass
function endEarly(why: string): void {
  if (done) return
  done = true
  process.stderr.write(`throughline: ended before it was done: ${why}\n`)
  process.exit(BAD_USAGE)
}
process.once('beforeExit', () => endEarly('what it loaded never settles'))
process.once('exit', (code) => {
  if (code === 0) endEarly('the process was ended by what it loaded')
})

process.exitCode = await main(process.argv.slice(2), terminal)
done = true
