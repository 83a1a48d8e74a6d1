import type { z } from 'zod'

/**
 * Thrown for invalid input. The message gives the place of the fault, the value found and the accepted values; `path` is
 * the place, such as `arrivals.rate`.
 *
 * @example
 * try {
 *   simulate({ arrivals: 'fast', service: '1ms' })
 * } catch (error) {
 *   if (error instanceof ValidationError) console.log(error.path) // arrivals
 * }
 */
export class ValidationError extends Error {
  override readonly name = 'ValidationError'
  readonly path: string

  constructor(path: string, message: string, options?: ErrorOptions) {
    super(at({ path, message }), options)
    this.path = path
  }
}

/** Where a checked value comes from: the name of an argument, or a file and the path of the value in it. */
export type Source = string | { readonly file: string; readonly path?: string }

/** The place of a field in error messages: `budget.p99`, or `budget.json: p99` for a file. */
export function placeIn(source: Source, field = ''): string {
  const inside = typeof source === 'string' ? source : (source.path ?? '')
  const path = inside === '' || field === '' || field.startsWith('[') ? inside + field : `${inside}.${field}`
  if (typeof source === 'string') return path
  return path === '' ? source.file : `${source.file}: ${path}`
}

/** The source of a field of a value. */
export function sourceOf(source: Source, field: string): Source {
  return typeof source === 'string'
    ? placeIn(source, field)
    : { file: source.file, path: placeIn(source.path ?? '', field) }
}

/**
 * Refuses stored data of an unknown kind or version.
 *
 * @param expected the name of the value in messages, its kind, and its `schema` field
 * @throws ValidationError
 */
export function checkVersion(value: unknown, expected: { name: Source; kind: string; schema: string }): void {
  const found = (value as { schema?: unknown } | null | undefined)?.schema
  const { name, kind, schema } = expected
  if (found === schema) return
  throw new ValidationError(placeIn(name), `must be a ${kind} with the schema "${schema}", ${got(found ?? value)}`)
}

/**
 * Refuses a value that is not a list.
 *
 * @param of the elements that it should hold
 * @throws ValidationError
 */
export function checkList(value: unknown, name: Source, of: string): void {
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return
  throw new ValidationError(placeIn(name), `must be a list of ${of}, ${got(value)}`)
}

type Issue = z.core.$ZodIssue

function at(fault: { path: string; message: string }): string {
  return fault.path === '' ? fault.message : `${fault.path}: ${fault.message}`
}

/** The maximum number of faults that an error lists; more are only counted. */
const MOST_FAULTS = 20

/** Throws a ValidationError with the faults that a schema found in a value, one per line. */
export function throwFaults(error: z.ZodError, source: Source, value: unknown): never {
  const faults = error.issues.flatMap((issue) => faultsOf(issue, [], value))
  const lines = faults.map((fault) => ({
    path: placeIn(source, fault.path.map((part) => short(String(part))).join('.')),
    message: fault.message,
  }))
  const first = lines[0] as { path: string; message: string }
  // a value may break several rules with the same message
  const others = new Set(lines.map(at))
  others.delete(at(first))
  const shown = [...others].slice(0, MOST_FAULTS)
  const more = others.size > shown.length ? [`… and ${others.size - shown.length} more`] : []
  throw new ValidationError(first.path, [first.message, ...shown, ...more].join('\n'))
}

function faultsOf(issue: Issue, base: PropertyKey[], root: unknown): { path: PropertyKey[]; message: string }[] {
  const path = [...base, ...issue.path]
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const branch = branchMeant(issue.errors, valueAt(root, path))
    if (branch !== null) return branch.flatMap((each) => faultsOf(each, path, root))
  }
  const found = valueAt(root, path)
  if (issue.code === 'unrecognized_keys') {
    const keys = issue.keys.slice(0, MOST_FAULTS).map((key) => `'${short(key)}'`)
    const verb = keys.length === 1 ? 'is not an option' : 'are not options'
    // the schema's message begins with a suggestion, if it has one
    const [hint, accepted] = issue.message.startsWith('(') ? [' ', issue.message] : ['; ', issue.message]
    return [{ path, message: `${keys.join(', ')} ${verb} here${hint}${accepted}` }]
  }
  // secrets must not get into a log
  const hides = issue.code === 'custom' && issue.params?.hidesValue === true
  return [{ path, message: hides ? issue.message : withFound(issue.message, found) }]
}

/** Inserts the value that was found after what it must be, before any hint: `must be 1, got 2; use …`. */
function withFound(message: string, found: unknown): string {
  if (message.startsWith('is required')) return message
  const [expected, ...hints] = message.split('; ')
  return [`${expected}, ${got(found)}`, ...hints].join('; ')
}

/**
 * Guesses which branch of a union a value was meant for, to report the faults of that branch alone. Branches of another
 * type, or without some of its keys, are left out. Of the rest it prefers those whose required keys are all present, and
 * takes the one that fails deepest in the value. Null if no branch fits; the union's own message then lists them.
 */
function branchMeant(branches: readonly (readonly Issue[])[], value: unknown): readonly Issue[] | null {
  const ofItsKind = branches.filter((branch) => depth(branch) >= 0)
  const known = ofItsKind.filter((branch) => !branch.some(isForeign))
  if (known.length === 0) return ofItsKind.length === 1 ? (ofItsKind[0] as Issue[]) : null
  const misses = ({ path }: Issue) => path.length === 1 && valueAt(value, [...path]) === undefined
  const whole = known.filter((branch) => !branch.some(misses))
  return (whole.length > 0 ? whole : known).reduce((a, b) => (depth(b) > depth(a) ? b : a))
}

const isForeign = ({ code, path }: Issue) => code === 'unrecognized_keys' && path.length === 0

/** How deep in the value a branch of a union fails; below 0 if it rejects the type of the value itself. */
function depth(branch: readonly Issue[]): number {
  return Math.max(...branch.map((issue) => issue.path.length + beyond(issue)))
}

function beyond(issue: Issue): number {
  if (issue.code === 'invalid_type' && issue.path.length === 0) return -1
  if (issue.code === 'invalid_union' && issue.errors.length > 0) return Math.max(...issue.errors.map(depth))
  return issue.code === 'unrecognized_keys' ? 0.5 : 0
}

function valueAt(value: unknown, path: PropertyKey[]): unknown {
  let found: unknown = value
  for (const key of path) found = (found as Record<PropertyKey, unknown> | null | undefined)?.[key]
  return found
}

/** Names the kind of a value: `text`, `a number`, `a URLSearchParams`. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return value === null ? 'null' : 'nothing'
  if (typeof value === 'string') return 'text'
  if (typeof value !== 'object') return `a ${typeof value}`
  return kindOfObject(value)
}

function kindOfObject(value: unknown): string {
  const { name } = (value as object).constructor ?? {}
  return typeof name !== 'string' || name === 'Object' ? '{}' : `a ${name}`
}

/** Shows the value that was found, for a message. For a promise it asks about a missing await. */
export function got(value: unknown): string {
  const { then } = (value ?? {}) as { then?: unknown }
  return `got ${show(value)}${typeof then === 'function' ? ': did you forget await?' : ''}`
}

/** The message of an error, or a description of any other value that was thrown. */
export function messageOf(error: unknown): string {
  if (typeof error === 'string' && error !== '') return error
  try {
    const { message } = (error ?? {}) as { message?: unknown }
    if (typeof message === 'string' && message !== '') return message + permissionMissing(error)
  } catch {
    // a getter may throw
  }
  return `${error === undefined ? 'undefined' : show(error)} was thrown`
}

/** The flags that grant the permissions of Node's permission model. */
const PERMISSIONS: Record<string, string> = {
  WorkerThreads: '--allow-worker',
  FileSystemRead: '--allow-fs-read',
  FileSystemWrite: '--allow-fs-write',
  ChildProcess: '--allow-child-process',
  WASI: '--allow-wasi',
  Addon: '--allow-addons',
}

/** The flag that is missing if Node's permission model caused an error, as the end of a message; else ''. */
export function permissionMissing(error: unknown): string {
  const { code, permission = '', resource = '' } = (error ?? {}) as Record<string, unknown>
  if (code !== 'ERR_ACCESS_DENIED') return ''
  const flag = PERMISSIONS[String(permission)]
  if (flag === undefined) return "; Node's permission model forbids it"
  return `; start Node with ${flag}${permission === 'FileSystemRead' ? `=${resource}` : ''}`
}

/** Formats a value for an error message: short, and on one line. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'function') return `a function`
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'symbol') return String(value)
  let text: string
  try {
    text = JSON.stringify(excerpt(value)) ?? 'nothing'
    // JSON shows a Map or a promise as {}
    if (text === '{}') text = kindOfObject(value)
  } catch {
    // getters and proxies may throw anything
    text = 'an object'
  }
  return short(text)
}

const LONGEST_SHOWN = 60

const short = (text: string) => (text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN - 3)}…` : text)

/** Cuts a value down to what is shown. It may be large or deep, contain itself, or hold types that JSON does not know. */
function excerpt(value: unknown, depth = 0): unknown {
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value)
  if (typeof value === 'string') return value.slice(0, LONGEST_SHOWN)
  if (typeof value !== 'object' || value === null || typeof (value as { toJSON?: unknown }).toJSON === 'function') {
    return value
  }
  if (depth === LONGEST_SHOWN / 2) return '…'
  if (Array.isArray(value)) return value.slice(0, LONGEST_SHOWN / 2).map((each) => excerpt(each, depth + 1))
  const entries = Object.entries(value).slice(0, LONGEST_SHOWN / 2)
  return Object.fromEntries(entries.map(([key, each]) => [key.slice(0, LONGEST_SHOWN), excerpt(each, depth + 1)]))
}
