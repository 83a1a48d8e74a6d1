import { type ChildProcess, spawn } from 'node:child_process'
import { onAbort } from '../handler/on-abort.js'
import { throwIfAborted } from '../validation/realm.js'
import { ValidationError } from '../validation/validation-error.js'

/** Set by git for its hooks: they would point our commands at another working tree. */
const OF_HOOKS = /^GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX|COMMON_DIR|OBJECT_DIRECTORY|NAMESPACE)$/

/** The environment without what git sets for its hooks. */
export function withoutGit(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !OF_HOOKS.test(name)))
}

/** Processes that lead a group of their own, so that Ctrl-C reaches them only through us. */
const running = new Set<ChildProcess>()

/** Keeps track of a process that was started detached, until it ends. */
export function track(child: ChildProcess): void {
  running.add(child)
  child.once('close', () => running.delete(child))
}

/** Ends at once all that is running, for a process that is about to end. */
export function endCommands(): void {
  for (const child of running) endGroup(child, 'SIGKILL')
}

function endGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal)
  } catch {
    // it has ended
  }
}

const LAST_LINES = 12

/**
 * Runs a command, or a line of shell. An abort ends it with all that it has started.
 *
 * @param what names it in errors
 * @throws ValidationError if it fails, with the end of what it printed
 */
export async function runCommand(
  command: readonly string[] | string,
  { folder, signal, what }: { folder: string; signal: AbortSignal | undefined; what: string },
): Promise<void> {
  throwIfAborted(signal)
  const options = { cwd: folder, env: withoutGit(process.env), detached: true } as const
  const child =
    typeof command === 'string'
      ? spawn(command, { ...options, shell: true })
      : spawn(command[0] as string, command.slice(1), options)
  track(child)
  child.stdin.end()
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed = (printed + text).slice(-8_000)
    })
  }
  const ignore = signal && onAbort(signal, () => endGroup(child, 'SIGTERM'))
  try {
    const code = await new Promise<number | string>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code, by) => resolve(code ?? (by as string)))
    })
    throwIfAborted(signal)
    if (code === 0) return
    const lines = printed.trimEnd().split('\n').slice(-LAST_LINES)
    const said =
      printed.trim() === '' ? '; it printed nothing' : `; it printed\n${lines.map((line) => `  ${line}`).join('\n')}`
    throw new ValidationError(what, `failed with exit code ${code}${said}`)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new ValidationError(what, `cannot be run: there is no '${command[0]}' on the PATH`, { cause: error })
  } finally {
    ignore?.()
  }
}
