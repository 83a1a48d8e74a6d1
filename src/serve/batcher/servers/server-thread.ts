import { real } from '../../../clock/real.js'
import { loadDefault } from '../../../handler/module.js'
import { toPortableError } from '../../../handler/portable.js'
import { prepare, type Ready, type Unready } from '../../../handler/prepare.js'
import { BatchContext, BatchTimeoutError, checkOutputs, isPromise, settle } from '../../../handler/serving.js'
import { isError } from '../../../validation/realm.js'
import { serializeError } from './serialized-error.js'
import type { OutputError, ServeTask, ThreadRequest, ThreadResponse } from './thread-messages.js'

/**
 * The task of a server's thread: sets the handler up, and then serves the batches that come in on the port.
 *
 * @returns why the handler could not be made ready; null if it is ready
 */
export async function serveOnThread({ port, handler, batchTimeoutMs }: ServeTask): Promise<Unready | null> {
  const ready = await prepare(() => loadDefault(handler), false)
  if ('unready' in ready) {
    port.close()
    return ready.unready
  }
  port.on('message', async (request: ThreadRequest) => {
    const response = 'inputs' in request ? await serve(request, ready, batchTimeoutMs) : await tearDown(ready)
    try {
      port.postMessage(response)
    } catch {
      // only the outputs that cannot be cloned fail
      port.postMessage(withoutUncloneable(response))
    }
  })
  return null
}

type Batch = Extract<ThreadRequest, { inputs: unknown[] }>

async function serve(
  { inputs, classes }: Batch,
  { handler, state }: Ready,
  timeoutMs: number,
): Promise<ThreadResponse> {
  const context = new BatchContext(state, classes)
  const startNs = Number(real.hrtimeNs())
  let outputs: unknown
  try {
    const size = inputs.length
    outputs = handler.run(inputs, context)
    if (isPromise(outputs)) outputs = await settle(outputs, context, timeoutMs, Number.POSITIVE_INFINITY)
    const badOutput = badOutputOf(outputs, size)
    if (badOutput !== null) return { startNs, badOutput }
    return { startNs, outputs: outputs as unknown[], errors: takeErrors(outputs as unknown[]) }
  } catch (error) {
    if (error instanceof BatchTimeoutError) return { startNs, timeout: error.message }
    return { startNs, error: serializeError(error) }
  }
}

async function tearDown({ handler, state }: Ready): Promise<ThreadResponse> {
  try {
    await handler.teardown?.(state)
    return { teardown: null }
  } catch (error) {
    return { teardown: toPortableError(error) }
  }
}

/** Returns what is wrong with a handler's outputs; null if nothing is. */
function badOutputOf(outputs: unknown, size: number): string | null {
  try {
    checkOutputs(outputs, size)
    return null
  } catch (error) {
    return (error as Error).message
  }
}

/** Takes the errors out of the outputs. */
function takeErrors(outputs: unknown[]): OutputError[] {
  const errors: OutputError[] = []
  outputs.forEach((output, index) => {
    if (!isError(output)) return
    errors.push({ index, error: serializeError(output) })
    outputs[index] = undefined
  })
  return errors
}

function withoutUncloneable(response: ThreadResponse): ThreadResponse {
  if (!('outputs' in response)) return response
  const { startNs, errors } = response
  const outputs = response.outputs.map((output, index) => {
    try {
      return structuredClone(output)
    } catch (error) {
      errors.push({ index, error: serializeError(error) })
      return undefined
    }
  })
  return { startNs, outputs, errors }
}
