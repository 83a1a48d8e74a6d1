import { sumBy } from '../../statistics/descriptive.js'

/** Arrivals in stages, with rates per second and durations in milliseconds. */
export interface Staged {
  /** the rate at which the first stage starts; default: its own rate */
  from?: number | undefined
  stages: { rate: number; duration: number }[]
}

/** A stage with the rates at its start and its end. */
export interface Ramp {
  /** its number among the stages, from 1 */
  number: number
  from: number
  to: number
  durationMs: number
}

/** Returns the stages as ramps. Stages without length are jumps, and are left out. */
export function rampsOf({ from, stages }: Staged): Ramp[] {
  return stages
    .map((stage, i) => ({
      number: i + 1,
      from: stages[i - 1]?.rate ?? from ?? stage.rate,
      to: stage.rate,
      durationMs: stage.duration,
    }))
    .filter(({ durationMs }) => durationMs > 0)
}

/** The total duration of the stages. */
export const lengthMs = ({ stages }: Staged): number => sumBy(stages, ({ duration }) => duration)

/** The mean number of requests in all stages. */
export function expectedRequests(staged: Staged): number {
  return sumBy(rampsOf(staged), ({ from, to, durationMs }) => (((from + to) / 2) * durationMs) / 1000)
}
