import { calibrate, type Scenario, type ServiceInput } from 'throughline'

const handler = new URL('./handler.ts', import.meta.url)

/** The model on one server, in batches of up to this size; no request waits longer than 2 ms for its batch to fill. */
export const inBatchesOf = (maxBatchSize: number) => ({ handler, batching: { maxBatchSize, maxWait: '2ms' } })

/** Measures the service time of the bare model for each batch size, one batch after another. */
export async function calibrateTight(largest: number): Promise<ServiceInput> {
  const scenario = { ...inBatchesOf(largest), arrivals: 1 }
  return (await calibrate(scenario, { tight: true }, { duration: '240ms' })).service
}

/** The capacity of each batch size, in requests per second. */
export function capacitiesOf(service: ServiceInput, sizes: number[]): number[] {
  return sizes.map((size) => {
    const point = service.model === 'byBatchSize' ? service.points[size] : undefined
    if (typeof point !== 'object') throw new Error(`batches of ${size} were not calibrated`)
    return (1000 * size) / Number(point.mean)
  })
}

export type Calibrated = Scenario & { service: ServiceInput }

/** Calibrates a scenario for simulation by a short run at this load. */
export async function calibrateInSitu(batchSize: number, perSecond: number, tight: ServiceInput): Promise<Calibrated> {
  const scenario = { ...inBatchesOf(batchSize), arrivals: perSecond }
  const { service } = await calibrate(scenario, { rate: perSecond }, { duration: '400ms', tight })
  return { batching: scenario.batching, arrivals: perSecond, service }
}

/** The scenario with the median capacity in full batches, of one scenario calibrated several times. */
export function typicalOf(scenarios: Calibrated[], batchSize: number): Calibrated {
  const capacityOf = ({ service }: Calibrated) => capacitiesOf(service, [batchSize])[0] as number
  const sorted = [...scenarios].sort((a, b) => capacityOf(a) - capacityOf(b))
  return sorted[Math.floor(sorted.length / 2)] as Calibrated
}
