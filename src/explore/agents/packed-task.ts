import type { TaskContext } from '../../threads/pool.js'
import { runTask } from '../../threads/task.js'
import { taskOf } from '../../threads/thread.js'
import { KINDS } from '../tasks.js'
import { pack, type TaskOutcome, unpack } from './protocol.js'

/** A task as an agent got it. */
export interface PackedTask extends TaskContext {
  kind: string
  argument: Uint8Array
}

/** Runs a task in a thread of an agent, which also unpacks its argument and packs its outcome. */
export async function runPacked({ kind, argument, ...context }: PackedTask): Promise<Uint8Array> {
  const known = KINDS.get(kind)
  if (known === undefined) throw new RangeError(`unknown kind of task: ${kind}`)
  const given = { ...(unpack(argument) as object), ...context }
  const report = (await runTask(taskOf(known.file, known.name, given))) as object
  const outcome: TaskOutcome = { index: context.index, report }
  return new Uint8Array(pack(outcome))
}
