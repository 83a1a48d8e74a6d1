import { spawn } from 'node:child_process'
import { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { main } from '../../../dist/cli/program.js'

/** The built command. */
export const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url))
/** The working directory of commands: see `test/support/suites/working-directory.ts`. */
export const SCENARIOS = fileURLToPath(new URL('../../cli/scenarios', import.meta.url))

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** Starts the command in a child process; `ended` resolves to its output and exit code. */
export function start(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: SCENARIOS, stdio: ['ignore', 'pipe', 'pipe'] })
  const printed = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text) => {
    printed.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    printed.stderr += text
  })
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, ...printed }))
  })
  return { child, ended }
}

/** Runs the command in a child process. */
export const spawned = (...args: string[]): Promise<Ended> => start(...args).ended

/** Runs the command in this process, which is faster. */
export const throughline = (...args: string[]): Promise<Ended> => run(null, args)

/** Runs the command in this process with Ctrl-C at its first progress; drops progress from stderr. */
export const interrupted = (...args: string[]): Promise<Ended> => interruptedAt(/[1-9]\d* % /, ...args)

/** Runs the command in this process with Ctrl-C at this progress; drops progress from stderr. */
export async function interruptedAt(progress: RegExp, ...args: string[]): Promise<Ended> {
  const ended = await run(progress, args)
  return { ...ended, stderr: ended.stderr.slice(ended.stderr.lastIndexOf(CLEARED) + CLEARED.length) }
}
const CLEARED = '\r\u001b[K'

async function run(interruptAt: RegExp | null, args: string[]): Promise<Ended> {
  const printed = { stdout: '', stderr: '' }
  const listeners = new Set<(exitCode: number) => void>()
  const stream = (name: 'stdout' | 'stderr') =>
    new Writable({
      write(chunk, _, done) {
        printed[name] += String(chunk)
        if (interruptAt?.test(String(chunk))) for (const interrupt of listeners) interrupt(130)
        done()
      },
    })
  const code = await main(args, {
    stdout: stream('stdout'),
    stderr: interruptAt === null ? stream('stderr') : Object.assign(stream('stderr'), { isTTY: true, columns: 200 }),
    exitCode: 0,
    onInterrupt(handle) {
      listeners.add(handle)
      return () => void listeners.delete(handle)
    },
    reserveStdout() {},
  })
  // a slow machine may print progress
  return { code, signal: null, ...printed, stderr: printed.stderr.replace(/^\d+ % .*\n/gm, '') }
}
