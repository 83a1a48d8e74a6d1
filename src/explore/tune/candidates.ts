import { z } from 'zod'
import { MeasureError } from '../../measure/error.js'
import { checkResult } from '../../result/check.js'
import { PRICES } from '../../result/cost.js'
import type { Result } from '../../result/result.js'
import type { Finding } from '../../result/validity.js'
import type { Scenario, ScenarioParts } from '../../scenario/scenario.js'
import {
  byBatchSize,
  largestKnownBatch,
  type Service,
  type ServiceInput,
  serviceSchema,
} from '../../scenario/service/service.js'
import { lognormal } from '../../scenario/service/variation.js'
import type { Targets } from '../../scenario/target.js'
import { type Duration, options } from '../../scenario/units.js'
import { isUrl, throwIfAborted } from '../../validation/realm.js'
import { messageOf, ValidationError } from '../../validation/validation-error.js'
import { type CalibrateAt, calibrate } from '../calibrate.js'

/** A model, or another way to answer the same requests. What serves it is one of `service`, `handler` and `result`. */
export interface Candidate {
  name: string
  /** how good its answers are, a number above 0: accuracy, order value …; more is better */
  quality?: number | undefined
  /** of one server for an hour, in any currency; servers of another kind are another candidate */
  price?: number | undefined
  /** how long a server takes for a batch; `calibrate`'s answer may be spread over a candidate */
  service?: Duration | ServiceInput | undefined
  /** a handler module, which is calibrated first */
  handler?: string | URL | undefined
  /** the doubts that `calibrate` returned with a service; a search does not use them */
  findings?: Finding[] | undefined
  /** a stored result: its scenario's service, or what it measured of batches that all had one size */
  result?: Result | undefined
}

/** A candidate with all that a search needs to know of it. */
export interface Contender {
  /** null for the scenario's own service or handler */
  name: string | null
  quality: number | null
  price: number | null
  service: Service
  sizes: readonly number[]
}

const QUALITY_IS = 'must be a number above 0: how good its answers are'
const PRICE_IS = `must be the price of one server for an hour, a number from ${PRICES.least} to ${PRICES.most}`
export const tunePriceSchema = z
  .number({ error: PRICE_IS })
  .min(PRICES.least, { error: PRICE_IS })
  .max(PRICES.most, { error: PRICE_IS })

const candidateSchema = options({
  name: z.string({ error: 'must be a string' }).trim().min(1, { error: 'must not be empty' }),
  quality: z.number({ error: QUALITY_IS }).gt(0, { error: QUALITY_IS }).optional(),
  price: tunePriceSchema.optional(),
  service: serviceSchema.optional(),
  handler: z
    .union([z.string().min(1), z.custom<URL>(isUrl)], { error: 'must be the path or URL of a module' })
    .optional(),
  findings: z.array(z.custom<Finding>(), { error: 'must be a list' }).optional(),
  result: z.unknown().optional(),
})

const SOURCES = ['service', 'handler', 'result'] as const
const LIST_IS = 'must be a list of one or more candidates, such as { name, quality, price, service }'

/** Annotated, since the inferred type would write the schema of a service into the declarations in full. */
export const candidatesSchema: z.ZodType<ParsedCandidate[], unknown> = z
  .array(candidateSchema, { error: LIST_IS })
  .min(1, { error: LIST_IS })
  .superRefine((candidates, context) => {
    const refuse = (i: number, path: string, message: string) =>
      context.issues.push({ code: 'custom', message, input: candidates, path: [i, path] })
    candidates.forEach((candidate, i) => {
      const { name } = candidate
      const first = candidates.findIndex((other) => other.name === name)
      if (first < i) refuse(i, 'name', `must be unique; candidates ${first + 1} and ${i + 1} have the same name`)
      const sources = SOURCES.filter((source) => candidate[source] !== undefined)
      if (sources.length !== 1) refuse(i, 'service', `candidate '${name}' needs one of ${SOURCES.join(', ')}`)
    })
    const withQuality = candidates.find(({ quality }) => quality !== undefined)
    const without = candidates.findIndex(({ quality }) => quality === undefined)
    if (withQuality !== undefined && without >= 0) {
      const { name } = candidates[without] as { name: string }
      refuse(
        without,
        'quality',
        `is missing: '${withQuality.name}' has a quality and '${name}' has none; give every candidate a quality, or none`,
      )
    }
  })

/** A candidate with its service parsed, and a result that is not checked yet. */
export interface ParsedCandidate extends Omit<Candidate, 'service' | 'result'> {
  service?: Service | undefined
  result?: unknown
}

/** How candidates become services. */
export interface ContenderOptions {
  /** the batch sizes to choose from; by default the powers of two, as far as the service is known */
  sizes: readonly number[] | undefined
  /** of candidates that have no price of their own */
  price: number | undefined
  /** at which load handlers are calibrated */
  calibrateAt: CalibrateAt
  signal: AbortSignal
  /** called before a handler is calibrated */
  onCalibrate: (name: string | null) => void
}

const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256]
/** A handler is calibrated up to here: larger batches than it ever serves may take more memory than there is. */
const MOST_CALIBRATED = 64

/** The one contender of a scenario without candidates: its own service, or its handler. */
export async function contenderOf(scenario: Scenario, asked: ContenderOptions): Promise<Contender> {
  const { service, handler } = scenario
  if (service === undefined && (typeof handler === 'string' || isUrl(handler))) {
    return calibrateCandidate(scenario, { name: null, quality: null, handler }, asked)
  }
  const read = serviceSchema.safeParse(service)
  if (!read.success) {
    throw new ValidationError(
      'service',
      "is required: how long a batch takes, such as '10ms' or affine({ base, perItem }); or give a handler to calibrate, or candidates",
    )
  }
  return buildContender({ name: null, quality: null, service: read.data }, asked)
}

/**
 * Finds the service of each candidate: as it is given, as a result has it, or by calibrating its handler.
 *
 * @throws ValidationError, or MeasureError if a handler fails, naming the candidate
 */
export async function contendersOf(
  scenario: Scenario,
  candidates: readonly ParsedCandidate[],
  asked: ContenderOptions,
): Promise<Contender[]> {
  const unpriced = candidates.find((candidate) => (candidate.price ?? asked.price) === undefined)
  const priced = candidates.find(({ price }) => price !== undefined)
  if (unpriced !== undefined && priced !== undefined) {
    throw new ValidationError(
      `tune.candidates.${unpriced.name}.price`,
      `is missing: '${priced.name}' has a price and '${unpriced.name}' has none, so that their costs cannot be compared; give all a price, or none`,
    )
  }
  // calibrating takes long, so check everything else first
  const results = candidates.map(({ name, result }) =>
    result === undefined ? null : serviceOfResult(checkResult(result, `tune.candidates.${name}.result`), name),
  )
  const contenders: Contender[] = []
  for (const [i, { name, quality = null, price, service = results[i] ?? undefined, handler }] of candidates.entries()) {
    const own = { ...asked, price: price ?? asked.price }
    if (service !== undefined) contenders.push(buildContender({ name, quality, service }, own))
    else {
      try {
        contenders.push(await calibrateCandidate(scenario, { name, quality, handler: handler as string | URL }, own))
      } catch (error) {
        throwIfAborted(asked.signal)
        throw ofCandidate(name, handler as string | URL, error)
      }
    }
  }
  return contenders
}

type Identity = Pick<Contender, 'name' | 'quality'>

function buildContender(
  { name, quality, service }: Identity & { service: Service },
  asked: ContenderOptions,
): Contender {
  const largest = largestKnownBatch(service)
  const sizes = asked.sizes ?? SIZES.filter((size) => size <= largest)
  const unknown = sizes.filter((size) => size > largest)
  if (unknown.length === sizes.length || (asked.sizes !== undefined && name === null && unknown.length > 0)) {
    throw new ValidationError(
      'tune.maxBatchSize',
      `includes ${unknown.join(', ')}, but the service times${name === null ? '' : ` of '${name}'`} are known only for batches of up to ${largest}`,
    )
  }
  return { name, quality, price: asked.price ?? null, service, sizes: sizes.filter((size) => size <= largest) }
}

async function calibrateCandidate(
  scenario: Scenario,
  { name, quality, handler }: Identity & { handler: string | URL },
  asked: ContenderOptions,
): Promise<Contender> {
  const sizes = asked.sizes ?? SIZES.filter((size) => size <= MOST_CALIBRATED)
  const { call: _call, http: _http, service: _service, ...parts } = scenario as ScenarioParts & Targets
  asked.onCalibrate(name)
  const { service } = await calibrate(
    { ...parts, handler, servers: 1, batching: { maxBatchSize: Math.max(...sizes) } } as Scenario,
    asked.calibrateAt,
    { signal: asked.signal },
  )
  return buildContender({ name, quality, service: serviceSchema.parse(service) }, { ...asked, sizes })
}

/** What a stored result knows of its service. */
function serviceOfResult({ scenario, batches, serviceMs }: Result, name: string): Service {
  const service = scenario?.service
  if (service !== undefined) {
    const read = serviceSchema.safeParse(service)
    if (read.success) return read.data
    throw new ValidationError(
      `tune.candidates.${name}.result`,
      'holds only a hash of its recorded service times; give the times as service: recorded({ … })',
    )
  }
  const sizes = Object.keys(batches.sizes).map(Number)
  const [size, ...others] = sizes
  if (size === undefined || others.length > 0) {
    throw new ValidationError(
      `tune.candidates.${name}.result`,
      'holds batches of several sizes, and a result does not store service times by batch size; give the handler, or the service that calibrate returned',
    )
  }
  const { mean, stdDev } = serviceMs
  const variation = stdDev > 0 ? { variation: lognormal({ cv: stdDev / mean }) } : {}
  return serviceSchema.parse(byBatchSize({ [size]: { mean, ...variation } }))
}

/** Adds the candidate's name to an error. */
function ofCandidate(name: string, handler: string | URL, error: unknown): Error {
  const message = messageOf(error)
  if (error instanceof MeasureError) {
    return new MeasureError(`candidate '${name}': ${message}`, { cause: error.cause ?? error })
  }
  const of = message.includes(String(handler)) ? '' : `${handler}: `
  return new ValidationError(`tune.candidates.${name}.handler`, `${of}${message}`, { cause: error })
}
