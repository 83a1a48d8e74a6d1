import type { HandlerParts } from '../scenario/handler.js'
import { nearestName, suggest } from '../validation/nearest.js'
import { isPlain } from '../validation/realm.js'
import { show } from '../validation/validation-error.js'

const INPUTS = 1024
const ACCEPTED =
  'accepted: a function (batch, { signal }) => outputs, or defineHandler({ setup, input, run, teardown })'

const FUNCTIONS = ['setup', 'input', 'run', 'teardown'] as const
const PARTS: readonly string[] = [...FUNCTIONS, 'inputs']

/** A handler with its defaults filled in. */
export interface AnyHandler extends HandlerParts<unknown, unknown, unknown> {
  inputs: number
}

/**
 * Reads the default export of a module as a handler.
 *
 * @throws TypeError if it is not a handler
 */
export function handlerOf(exported: unknown): AnyHandler {
  if (typeof exported === 'function') return { run: exported as AnyHandler['run'], inputs: INPUTS }
  if (exported === undefined) throw new TypeError(`it has no default export; ${ACCEPTED}`)
  if (typeof exported !== 'object' || exported === null || !('run' in exported)) {
    throw new TypeError(`its default export is not a handler, got ${show(exported)}; ${ACCEPTED}`)
  }
  refuseUnknown(exported)
  const parts = exported as HandlerParts<unknown, unknown, unknown>
  for (const part of FUNCTIONS) {
    if (parts[part] !== undefined && typeof parts[part] !== 'function') {
      throw new TypeError(`the ${part} of its handler must be a function, got ${show(parts[part])}; ${ACCEPTED}`)
    }
  }
  if (parts.run === undefined) throw new TypeError(`its handler has no run; ${ACCEPTED}`)
  const { inputs = INPUTS } = parts
  if (!Number.isInteger(inputs) || inputs < 1) {
    throw new TypeError(`the inputs of its handler must be a whole number of at least 1, got ${show(inputs)}`)
  }
  // bound, so that an instance of a class can be a handler
  return {
    ...(parts.setup && { setup: parts.setup.bind(parts) }),
    ...(parts.input && { input: parts.input.bind(parts) }),
    ...(parts.teardown && { teardown: parts.teardown.bind(parts) }),
    run: parts.run.bind(parts),
    inputs,
  }
}

/** Refuses a plain object with other keys, since such a part would never be called. Instances of classes may have any. */
function refuseUnknown(parts: object): void {
  if (!isPlain(parts)) return
  const unknown = Object.keys(parts).find((key) => !PARTS.includes(key))
  if (unknown === undefined) return
  const meant = nearestName(unknown, PARTS)
  const hint = suggest(meant)
  throw new TypeError(`'${unknown}' is not a part of a handler${hint}; accepted: ${PARTS.join(', ')}`)
}
