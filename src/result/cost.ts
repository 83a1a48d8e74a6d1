import { z } from 'zod'
import { options } from '../scenario/units.js'
import { throwFaults } from '../validation/validation-error.js'
import { checkIsResult } from './check.js'
import { serversIn } from './recording.js'
import type { Result } from './result.js'

/** What a run would cost, and how much of its servers it used. */
export interface Cost {
  /** of all servers for an hour, in the unit of the price; null without a price, or if servers are not limited */
  perHour: number | null
  /** of a million completed requests; null like `perHour` */
  perMillion: number | null
  /** the fraction of server time in which no batch was served; null if servers are not limited */
  idle: number | null
  /** requests completed a second for each server; null if servers are not limited */
  perServer: number | null
}

/** Beyond these prices, the arithmetic of costs would overflow. */
export const PRICES = { least: 1e-30, most: 1e30 }
const PRICE_IS = `must be the price of one server for an hour, a number of 0 or more, and at most ${PRICES.most}`

/** The price of one server for an hour, in any currency. */
export const priceSchema = z
  .number({ error: PRICE_IS })
  .min(0, { error: PRICE_IS })
  .max(PRICES.most, { error: PRICE_IS })

const schema = options({ price: priceSchema.optional() })

/**
 * Derives the cost of a run from the price of one server for an hour, and how much of its servers the run used.
 * Requests that did not complete cost as much as others, and bring nothing: `perMillion` counts those that completed.
 *
 * @throws ValidationError if it is not a result, or the price is not a number of 0 or more
 * @example
 * const result = simulate({ arrivals: '100/s', service: '5ms', servers: 2, stop: { requests: 100_000 } })
 * costOf(result, { price: 1.8 }).perHour // 3.6
 */
export function costOf(result: Result, given: { price?: number | undefined } = {}): Cost {
  checkIsResult(result)
  const asked = schema.safeParse(given)
  if (!asked.success) throwFaults(asked.error, 'cost', given)
  const { throughput, utilization } = result
  const servers = serversIn(result)
  return costOfRun({ servers, utilization, completedPerSecond: throughput.completed }, asked.data.price)
}

/** What the cost of a run depends on. */
export interface Usage {
  servers: number | null
  utilization: number | null
  completedPerSecond: number
}

/** The cost of a run, by arithmetic alone. */
export function costOfRun({ servers, utilization, completedPerSecond }: Usage, price: number | undefined): Cost {
  const perHour = price === undefined || servers === null ? null : price * servers
  return {
    perHour,
    perMillion: perHour === null || completedPerSecond === 0 ? null : (perHour / (3600 * completedPerSecond)) * 1e6,
    idle: utilization === null ? null : 1 - utilization,
    perServer: servers === null ? null : completedPerSecond / servers,
  }
}
