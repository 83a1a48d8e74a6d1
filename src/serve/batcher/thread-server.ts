import { real } from '../../clock/real.js'
import { loadDefault } from '../../handler/module.js'
import { portable } from '../../handler/portable.js'
import { prepare, type Ready, type Unready } from '../../handler/prepare.js'
import { BatchContext, checkOutputs, isPromise, settle, TookTooLong } from '../../handler/serving.js'
import { isError } from '../../validation/realm.js'
import { type Answer, type AttendTask, type CarriedError, carry, type Question } from './messages.js'

/**
 * The task of a server's thread: sets the handler up, and from then on serves the batches that come in on the port.
 *
 * @returns what kept the handler from being ready
 */
export async function attend({ port, handler, batchTimeoutMs }: AttendTask): Promise<Unready | null> {
  const ready = await prepare(() => loadDefault(handler), false)
  if ('unready' in ready) {
    port.close()
    return ready.unready
  }
  port.on('message', async (question: Question) => {
    const answer = 'inputs' in question ? await serve(question.inputs, ready, batchTimeoutMs) : await tearDown(ready)
    try {
      port.postMessage(answer)
    } catch {
      // what cannot be sent fails alone
      port.postMessage(sendable(answer))
    }
  })
  return null
}

async function serve(inputs: unknown[], { handler, state }: Ready, batchTimeoutMs: number): Promise<Answer> {
  const context = new BatchContext(state)
  const startNs = Number(real.hrtimeNs())
  let outputs: unknown
  try {
    const size = inputs.length
    outputs = handler.run(inputs, context)
    if (isPromise(outputs)) outputs = await settle(outputs, context, batchTimeoutMs, Number.POSITIVE_INFINITY)
    const badOutput = faultIn(outputs, size)
    if (badOutput !== null) return { startNs, badOutput }
    return { startNs, outputs: outputs as unknown[], errors: errorsIn(outputs as unknown[]) }
  } catch (error) {
    if (error instanceof TookTooLong) return { startNs, late: error.message }
    return { startNs, error: carry(error) }
  }
}

async function tearDown({ handler, state }: Ready): Promise<Answer> {
  try {
    await handler.teardown?.(state)
    return { teardown: null }
  } catch (error) {
    return { teardown: portable(error) }
  }
}

function faultIn(outputs: unknown, size: number): string | null {
  try {
    checkOutputs(outputs, size)
    return null
  } catch (error) {
    return (error as Error).message
  }
}

function errorsIn(outputs: unknown[]): CarriedError[] {
  const errors: CarriedError[] = []
  outputs.forEach((output, i) => {
    if (!isError(output)) return
    errors.push(carry(output, i))
    outputs[i] = undefined
  })
  return errors
}

function sendable(answer: Answer): Answer {
  if (!('outputs' in answer)) return answer
  const { startNs, errors } = answer
  const outputs = answer.outputs.map((output, i) => {
    try {
      return structuredClone(output)
    } catch (error) {
      errors.push(carry(error, i))
      return undefined
    }
  })
  return { startNs, outputs, errors }
}
