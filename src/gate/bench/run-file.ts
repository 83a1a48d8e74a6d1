import { setTimeout } from 'node:timers'
import { fileURLToPath } from 'node:url'
import { onAbort } from '../../handler/on-abort.js'
import { throwIfAborted } from '../../validation/realm.js'
import { ValidationError } from '../../validation/validation-error.js'
import { killGroup, lastLines, startCommand } from '../commands.js'
import type { BenchReply, BenchRequest, BenchRunner, BenchTask } from './messages.js'

/** The longest time that a process may take. */
const LIMIT_MIN = 5

/** A file on one side. */
export interface BenchFile {
  runner: BenchRunner
  /** the file in error messages */
  what: string
  /** the working directory of the process */
  folder: string
}

/**
 * Lists or runs the tasks of a file in a process of its own, so that no run inherits compiled code or memory of another.
 *
 * @throws ValidationError if the file cannot be loaded
 */
export async function runBenchFile(
  { runner, what, folder }: BenchFile,
  request: BenchRequest,
  signal: AbortSignal | undefined,
): Promise<BenchTask[]> {
  throwIfAborted(signal)
  const program = fileURLToPath(new URL(`${runner}-process.js`, import.meta.url))
  const command = [process.execPath, program, JSON.stringify(request)]
  const { child, printed } = startCommand(command, folder, { withMessages: true })
  let late = false
  const timer = setTimeout(() => {
    late = true
    killGroup(child)
  }, LIMIT_MIN * 60_000)
  const ignore = signal && onAbort(signal, () => killGroup(child))
  try {
    const reply = await new Promise<BenchReply | null>((resolve, reject) => {
      let received: BenchReply | null = null
      child.on('message', (message) => {
        received = message as BenchReply
      })
      child.on('error', reject)
      // a process that a task started may keep the output open
      child.on('exit', () => received !== null && resolve(received))
      child.on('close', () => resolve(received))
    })
    throwIfAborted(signal)
    if (late) throw new ValidationError(what, `did not end within ${LIMIT_MIN} minutes`)
    if (reply === null) throw new ValidationError(what, `exited early${lastLines(printed())}`)
    if ('error' in reply) throw new ValidationError(what, `failed: ${reply.error}`)
    return reply.tasks
  } finally {
    clearTimeout(timer)
    ignore?.()
    // a process that vitest started may still run
    killGroup(child)
  }
}
