import { type ChildProcess, spawn } from 'node:child_process'
import { MAIN } from './command-line.js'

/** Starts an agent in a process of its own; resolves when it waits for work. */
export function startAgent(redis: string, name: string, flags: string[] = []): Promise<ChildProcess> {
  const args = [...flags, MAIN, 'agent', '--redis', redis, '--name', name]
  const agent = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  return new Promise((resolve, reject) => {
    let printed = ''
    agent.stderr?.setEncoding('utf8').on('data', (text) => {
      printed += text
      if (printed.includes('waits for work')) resolve(agent)
    })
    agent.once('exit', (code) => reject(new Error(`agent ${name} exited with code ${code}: ${printed}`)))
  })
}

/** Kills a process that may have ended, and waits for its end. */
export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}
