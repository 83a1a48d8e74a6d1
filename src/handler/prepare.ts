import { type AnyHandler, handlerOf } from './handler.js'
import { portable } from './portable.js'

/** A handler that has been set up on this thread, with the payloads that requests take in turn, if it makes any. */
export interface Ready {
  handler: AnyHandler
  state: unknown
  payloads: unknown[] | null
}

/** What kept a handler from being ready, and where: loading the module, what it exports, its setup, its inputs. */
export interface Unready {
  during: 'load' | 'export' | 'setup' | 'input'
  error: Error
}

/**
 * Loads what a handler's module exports, sets the handler up and makes its payloads, where it is to run.
 *
 * @param makesPayloads false where requests bring their own
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
    return { unready: { during, error: portable(error) } }
  }
}

/** What a handler gets for a batch: payloads, in turn, or the requests' numbers. */
export function payloadsOf(payloads: Ready['payloads'], numbers: Float64Array, size: number): unknown[] {
  const requests = new Array<unknown>(size)
  for (let i = 0; i < size; i++) {
    const number = numbers[i] as number
    requests[i] = payloads === null ? number : payloads[number % payloads.length]
  }
  return requests
}

/** What there is to say of it, after the name of the file. */
export function unreadyMessage({ during, error }: Unready): string {
  const said = { load: 'it could not be loaded: ', export: '', setup: 'its setup threw: ', input: 'its input threw: ' }
  return said[during] + error.message
}
