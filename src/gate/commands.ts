import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { onAbort } from '../handler/on-abort.js'
import { throwIfAborted } from '../validation/realm.js'
import { ValidationError } from '../validation/validation-error.js'

/** Variables that git sets for its hooks. They would direct our commands to another working tree. */
const HOOK_VARIABLES = /^GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX|COMMON_DIR|OBJECT_DIRECTORY|NAMESPACE)$/

/** Copies the environment without the variables that git sets for its hooks. */
export function removeGitVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !HOOK_VARIABLES.test(name)))
}

/** Running commands. Each leads its own process group, so that Ctrl-C in the terminal does not reach it. */
const running = new Set<ChildProcess>()

/** Tracks a detached process until it ends. */
export function track(child: ChildProcess): void {
  running.add(child)
  child.once('close', () => running.delete(child))
}

/** Kills all running commands, before the process ends. */
export function killCommands(): void {
  for (const child of running) killGroup(child)
}

/** Kills a detached process and all processes that it started. */
export const killGroup = (child: ChildProcess): void => signalGroup(child, 'SIGKILL')

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal)
  } catch {
    // it has already ended
  }
}

const LAST_LINES = 12

/** Formats the end of the output of a command that failed. */
export function lastLines(printed: string): string {
  if (printed.trim() === '') return '; it printed nothing'
  const lines = printed.trimEnd().split('\n').slice(-LAST_LINES)
  return `; the end of its output:\n${lines.map((line) => `  ${line}`).join('\n')}`
}

/**
 * Starts a command, or a shell command line, which leads its own process group.
 *
 * @param withMessages whether it can send messages to this process
 * @returns the process, and the end of what it has printed
 */
export function startCommand(
  command: readonly string[] | string,
  folder: string,
  { withMessages = false } = {},
): { child: ChildProcess; printed: () => string } {
  const options: SpawnOptions = {
    cwd: folder,
    env: removeGitVariables(process.env),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', ...(withMessages ? (['ipc'] as const) : [])],
  }
  const child =
    typeof command === 'string'
      ? spawn(command, { ...options, shell: true })
      : spawn(command[0] as string, command.slice(1), options)
  track(child)
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      printed = (printed + text).slice(-8_000)
    })
  }
  return { child, printed: () => printed }
}

/**
 * Runs a command, or a shell command line. An abort ends it and all processes that it started.
 *
 * @param what the command in error messages
 * @throws ValidationError if the command fails, with the end of its output
 */
export async function runCommand(
  command: readonly string[] | string,
  { folder, signal, what }: { folder: string; signal: AbortSignal | undefined; what: string },
): Promise<void> {
  throwIfAborted(signal)
  const { child, printed } = startCommand(command, folder)
  const ignore = signal && onAbort(signal, () => signalGroup(child, 'SIGTERM'))
  try {
    const code = await new Promise<number | string>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code, by) => resolve(code ?? (by as string)))
    })
    throwIfAborted(signal)
    if (code === 0) return
    throw new ValidationError(what, `failed with exit code ${code}${lastLines(printed())}`)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new ValidationError(what, `cannot run: '${command[0]}' is not on the PATH`, { cause: error })
  } finally {
    ignore?.()
  }
}
