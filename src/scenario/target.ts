import type { z } from 'zod'
import { isFunction, isUrl } from '../validation/realm.js'
import { ValidationError } from '../validation/validation-error.js'
import { type BatchFunction, HANDLER_IS, type Handler, isHandler } from './handler.js'
import { checkSendable, storeHttp, withoutSecrets } from './http/secrets.js'
import { type HttpTarget, httpSchema, type ResolvedHttp, type StoredHttp } from './http.js'
import { checkLive, live, type Named, named } from './named.js'

/**
 * Serves one request in this process. `signal` aborts if it takes longer than `batchTimeout`; `class` is the request's
 * class, if the scenario has `classes`; `first()` marks the time at which the response begins, which the Result has as `firstMs`;
 * `next()` marks each later event of it, and the Result has the gaps between them as `betweenMs`.
 */
export type Call = (
  index: number,
  context: {
    readonly signal: AbortSignal
    readonly class?: string | undefined
    readonly first: () => void
    readonly next: () => void
  },
) => unknown

// biome-ignore lint/suspicious/noExplicitAny: handlers of any types
export type HandlerInProcess = BatchFunction<number, unknown, undefined> | Handler<any, any, any>

/** The target of a scenario. One is required to measure; a simulation runs none. */
export interface Targets {
  /** Serves batches: the URL or path of a module, which runs on worker threads, or a function in this process. */
  handler?: URL | string | HandlerInProcess | undefined
  /** Serves one request at a time, in this process. */
  call?: Call | undefined
  /** Sends requests, or batches with `batch: true`, over HTTP. */
  http?: HttpTarget | undefined
}

/**
 * At most one target; or what a Result stores of one, which `simulate` ignores. The member without a target does not name
 * `http`: without `exactOptionalPropertyTypes` its `undefined` would keep TypeScript from typing `body: (index) => …`.
 */
export type Target =
  | { handler?: Targets['handler'] | Named; call?: Named | undefined }
  | { call: Call; handler?: undefined; http?: undefined }
  | { http: HttpTarget; handler?: undefined; call?: undefined }

/** The target of a resolved scenario. */
export interface ResolvedTargets {
  /** a module's path or URL */
  handler?: string | HandlerInProcess | Named | undefined
  call?: Call | Named | undefined
  http?: ResolvedHttp | undefined
}

/** The target as a Result stores it. */
export interface StoredTargets {
  handler?: string | Named | undefined
  call?: Named | undefined
  http?: StoredHttp | undefined
}

export const TARGETS = ['handler', 'call', 'http'] as const

/** Whether a scenario, or a part of one, has a target. */
export const hasTarget = (scenario: object): boolean =>
  TARGETS.some((target) => (scenario as Record<string, unknown>)[target] !== undefined)

export const targetSchemas = {
  handler: live<NonNullable<Targets['handler']>>(
    HANDLER_IS,
    (value) => (typeof value === 'string' && value !== '') || isUrl(value) || isHandler(value),
  )
    .transform((handler) => (isUrl(handler) ? handler.href : handler))
    .optional(),
  call: live<Call>('a function (index, { signal }) => value or promise', isFunction).optional(),
  http: httpSchema.optional(),
} satisfies Record<(typeof TARGETS)[number], z.ZodType>

/**
 * Refuses more than one target.
 *
 * @throws ValidationError naming the second
 */
export function checkTargets(targets: ResolvedTargets): void {
  const [first, second] = TARGETS.filter((target) => targets[target] !== undefined)
  if (second === undefined) return
  throw new ValidationError(
    second,
    `cannot be combined with ${first}; a scenario has one target: handler, call or http`,
  )
}

/**
 * Refuses a missing target, and a stored one, which cannot run.
 *
 * @throws ValidationError naming it
 */
export function checkRunnable(targets: ResolvedTargets): void {
  if (!hasTarget(targets)) {
    throw new ValidationError(
      'handler',
      'is required to measure: the URL or path of a module, or a function, that serves batches; or set call or http instead',
    )
  }
  checkLive('handler', targets.handler)
  checkLive('call', targets.call)
  if (targets.http !== undefined) checkSendable(targets.http)
}

/** Whether responses of a target may have events: a handler or call may mark them, and HTTP reads them if it is asked to. */
export const mayHaveEvents = ({ http }: { http?: { stream?: unknown } | undefined }) =>
  http === undefined || (http.stream ?? false) !== false

/** Whether a target takes one request at a time. */
export const takesOne = ({ call, http }: ResolvedTargets) => call !== undefined || http?.batch === false

/** The default of `servers` to measure a target; null means no limit. */
export function serversOf({ call, http }: ResolvedTargets): number | null {
  if (call !== undefined) return null
  if (http === undefined) return 1
  return http.connections === null ? null : http.connections * http.pipelining
}

/** Converts a target to its stored form: functions by name, secrets redacted. */
export function storeTargets({ handler, call, http }: ResolvedTargets): StoredTargets {
  return {
    ...(handler !== undefined && { handler: typeof handler === 'string' ? handler : named(nameOf(handler)) }),
    ...(call !== undefined && { call: named(nameOf(call)) }),
    ...(http !== undefined && { http: storeHttp(http) }),
  }
}

function nameOf(target: HandlerInProcess | Call | Named): string {
  if (typeof target === 'function') return target.name
  return 'run' in target ? target.run.name : target.function
}

/** A short name of the target for messages, such as `handler ./model.js`. */
export function targetName({ handler, call, http }: ResolvedTargets): string {
  if (http !== undefined) return `http ${http.method} ${withoutSecrets(http.url)}`
  if (call !== undefined) return nameless('call', named(nameOf(call)).function)
  const name = typeof handler === 'string' || handler === undefined ? handler : named(nameOf(handler)).function
  return nameless('handler', String(name))
}

/** An anonymous function has the name of its field, which is not repeated. */
const nameless = (field: string, name: string) => (name === field ? field : `${field} ${name}`)
