import { spawn } from 'node:child_process'
import { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { main } from '../../dist/cli/program.js'

/** The command as it is built and shipped. */
export const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
export const SCENARIOS = fileURLToPath(new URL('../cli/scenarios', import.meta.url))

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

// a relative file is found from here, in this process as in one of its own
process.chdir(SCENARIOS)

/** Starts the command in a process of its own; `ended` tells what it printed and how it ended. */
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

/** Runs the command in a process of its own. */
export const spawned = (...args: string[]): Promise<Ended> => start(...args).ended

/** Runs the command in this process, which is sooner. */
export const throughline = (...args: string[]): Promise<Ended> => run(null, args)

/** The same, with Ctrl-C as soon as its progress says that it has begun; what it prints of progress is left out. */
export async function interrupted(...args: string[]): Promise<Ended> {
  const ended = await run(/[1-9]\d* % /, args)
  return { ...ended, stderr: ended.stderr.slice(ended.stderr.lastIndexOf(CLEARED) + CLEARED.length) }
}
const CLEARED = '\r\u001b[K'

async function run(interruptAt: RegExp | null, args: string[]): Promise<Ended> {
  const printed = { stdout: '', stderr: '' }
  const hearing = new Set<(exitCode: number) => void>()
  const stream = (name: 'stdout' | 'stderr') =>
    new Writable({
      write(chunk, _, done) {
        printed[name] += String(chunk)
        if (interruptAt?.test(String(chunk))) for (const hear of hearing) hear(130)
        done()
      },
    })
  const code = await main(args, {
    stdout: stream('stdout'),
    stderr: interruptAt === null ? stream('stderr') : Object.assign(stream('stderr'), { isTTY: true, columns: 200 }),
    exitCode: 0,
    onInterrupt(hear) {
      hearing.add(hear)
      return () => void hearing.delete(hear)
    },
    reserveStdout() {},
  })
  // on a slow machine it may have said how far it was
  return { code, signal: null, ...printed, stderr: printed.stderr.replace(/^\d+ % .*\n/gm, '') }
}
