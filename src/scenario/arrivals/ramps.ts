/** Arrivals in stages: rates a second, times in milliseconds. */
export interface Staged {
  /** the rate that the first stage starts from; its own where there is none */
  from?: number | undefined
  stages: { rate: number; duration: number }[]
}

/** A stage from its beginning to its end. */
export interface Ramp {
  from: number
  to: number
  durationMs: number
}

/** The stages with the rates that each begins and ends at; those of no length are jumps, and left out. */
export function rampsOf({ from, stages }: Staged): Ramp[] {
  return stages
    .map((stage, i) => ({
      from: stages[i - 1]?.rate ?? from ?? stage.rate,
      to: stage.rate,
      durationMs: stage.duration,
    }))
    .filter(({ durationMs }) => durationMs > 0)
}

/** How long all the stages last. */
export const lengthMs = ({ stages }: Staged): number => stages.reduce((sum, each) => sum + each.duration, 0)

/** How many requests the stages send on average. */
export function expectedRequests(staged: Staged): number {
  return rampsOf(staged).reduce((sum, { from, to, durationMs }) => sum + (((from + to) / 2) * durationMs) / 1000, 0)
}
