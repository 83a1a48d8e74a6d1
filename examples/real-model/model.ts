import { calibrate, type Scenario, type ServiceInput } from 'throughline'

const handler = new URL('./handler.ts', import.meta.url)

/** The model on one server, in batches of up to this size, none of whose requests waits for more than 2 ms. */
export const inBatchesOf = (maxBatchSize: number) => ({ handler, batching: { maxBatchSize, maxWait: '2ms' } })

/** How long the bare model takes for each batch size, back to back. */
export async function calibrateTight(largest: number): Promise<ServiceInput> {
  const scenario = { ...inBatchesOf(largest), arrivals: 1 }
  return (await calibrate(scenario, { tight: true }, { duration: '240ms' })).service
}

/** What each batch size carries at the very most, requests a second. */
export function capacitiesOf(service: ServiceInput, sizes: number[]): number[] {
  return sizes.map((size) => {
    const point = service.model === 'byBatchSize' ? service.points[size] : undefined
    if (typeof point !== 'object') throw new Error(`batches of ${size} were not timed`)
    return (1000 * size) / Number(point.mean)
  })
}

export type Calibrated = Scenario & { service: ServiceInput }

/** A scenario to simulate the model by, from a short run near this load. */
export async function calibrateInSitu(batchSize: number, perSecond: number, tight: ServiceInput): Promise<Calibrated> {
  const scenario = { ...inBatchesOf(batchSize), arrivals: perSecond }
  const { service } = await calibrate(scenario, { rate: perSecond }, { duration: '400ms', tight })
  return { batching: scenario.batching, arrivals: perSecond, service }
}

/** Of the same scenario calibrated several times, the one whose full batches are neither the slowest nor the fastest. */
export function typicalOf(scenarios: Calibrated[], batchSize: number): Calibrated {
  const carries = ({ service }: Calibrated) => capacitiesOf(service, [batchSize])[0] as number
  const sorted = [...scenarios].sort((a, b) => carries(a) - carries(b))
  return sorted[Math.floor(sorted.length / 2)] as Calibrated
}
