import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The command as it is built and shipped. */
export const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
export const SCENARIOS = fileURLToPath(new URL('./scenarios', import.meta.url))

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** Starts the command; `ended` tells what it printed and how it ended. */
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

export const throughline = (...args: string[]): Promise<Ended> => start(...args).ended
