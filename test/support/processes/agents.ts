import { type ChildProcess, spawn } from 'node:child_process'
import { MAIN } from './command-line.js'

/** Agents in processes of their own. */
export class Agents {
  readonly #started: ChildProcess[] = []

  /** Starts an agent, and waits until it waits for work. */
  async start(redis: string, ...flags: string[]): Promise<ChildProcess> {
    const child = spawn(process.execPath, [MAIN, 'agent', '--redis', redis, ...flags], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#started.push(child)
    let printed = ''
    await new Promise<void>((resolve, reject) => {
      child.once('exit', () => reject(new Error(`the agent exited: ${printed}`)))
      child.stderr?.on('data', (text) => {
        printed += String(text)
        if (printed.includes('waits for work')) resolve()
      })
    })
    return child
  }

  async killAll(): Promise<void> {
    await Promise.all(this.#started.splice(0).map(kill))
  }
}

/** Kills a process as the kernel does if memory runs out, and waits for its end. */
async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}
