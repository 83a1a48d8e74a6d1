import { type AnyHandler, handlerOf } from './handler.js'
import { toPortableError } from './portable.js'

/** A handler that has been set up on this thread, with the payloads of requests if it makes any. */
export interface Ready {
  handler: AnyHandler
  state: unknown
  payloads: unknown[] | null
}

/** Why a handler could not be made ready, and in which step. */
export interface Unready {
  during: 'load' | 'export' | 'setup' | 'input'
  error: Error
}

/**
 * Loads a handler, sets it up and makes its payloads, on the thread on which it is to run.
 *
 * @param makesPayloads false if requests bring their own
 */
export async function prepare(
  load: () => Promise<unknown>,
  makesPayloads = true,
): Promise<Ready | { unready: Unready }> {
  let during: Unready['during'] = 'load'
  try {
    const exported = await load()
    during = 'export'
    const handler = handlerOf(exported)
    during = 'setup'
    const state = await handler.setup?.()
    during = 'input'
    const { input, inputs } = handler
    const payloads =
      input === undefined || !makesPayloads ? null : Array.from({ length: inputs }, (_, index) => input(index))
    return { handler, state, payloads }
  } catch (error) {
    return { unready: { during, error: toPortableError(error) } }
  }
}

/** Returns the inputs of a batch: its payloads, used in turn, or the numbers of its requests. */
export function payloadsOf(payloads: Ready['payloads'], numbers: Float64Array, size: number): unknown[] {
  const requests = new Array<unknown>(size)
  for (let i = 0; i < size; i++) {
    const number = numbers[i] as number
    requests[i] = payloads === null ? number : payloads[number % payloads.length]
  }
  return requests
}

/** Returns why a handler is not ready, to follow its name in a message. */
export function unreadyMessage({ during, error }: Unready): string {
  const prefix = {
    load: 'it could not be loaded: ',
    export: '',
    setup: 'its setup threw: ',
    input: 'its input threw: ',
  }
  return prefix[during] + error.message
}
