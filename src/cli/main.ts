#!/usr/bin/env node
import { main } from './program.js'
import type { Terminal } from './terminal.js'

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // whoever read it has read enough
    if (error.code === 'EPIPE') process.exit()
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

process.exitCode = await main(process.argv.slice(2), terminal)
