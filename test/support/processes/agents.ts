import { type ChildProcess, spawn } from 'node:child_process'
import { MAIN } from './command-line.js'

/** Starts an agent in a process of its own; resolves when it waits for work. */
export function startAgent(
  redis: string,
  { under = [], node = [], flags = [] }: { under?: string[]; node?: string[]; flags?: string[] } = {},
): Promise<ChildProcess> {
  const [command, ...args] = [...under, process.execPath, ...node, MAIN, 'agent', '--redis', redis, ...flags]
  const agent = spawn(command as string, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  return new Promise((resolve, reject) => {
    let printed = ''
    agent.stderr?.setEncoding('utf8').on('data', (text) => {
      printed += text
      if (printed.includes('waiting for work')) resolve(agent)
    })
    agent.once('exit', (code) => reject(new Error(`the agent exited with code ${code}: ${printed}`)))
  })
}

/** Agents in processes of their own. */
export class Agents {
  readonly #started: ChildProcess[] = []

  /** Starts an agent, and waits until it waits for work. */
  async start(redis: string, ...flags: string[]): Promise<ChildProcess> {
    const child = await startAgent(redis, { flags })
    this.#started.push(child)
    return child
  }

  async killAll(): Promise<void> {
    await Promise.all(this.#started.splice(0).map(kill))
  }
}

/** Kills a process that may have ended, as the kernel does if memory runs out, and waits for its end. */
export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}
