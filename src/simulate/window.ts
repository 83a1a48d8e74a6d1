/** Sums over events. */
export interface Sums {
  /** the number of requests in the system, integrated over time */
  inSystemNs: number
  /** the total time in the system of the requests in batches that started, and of those that timed out */
  staysNs: number
  /** the total service time of the batches that started */
  servingNs: number
  /** requests completed */
  completions: number
}

const zero = (): Sums => ({ inSystemNs: 0, staysNs: 0, servingNs: 0, completions: 0 })

/** The reported part of a run, and the sums over it, clipped at both ends. */
export class SimulatedWindow {
  isOpen = false
  startNs = 0
  endNs = 0
  inSystemAtStart = 0
  sums = zero()

  /** Adds the sums since the last call; ignored while the window is not open. */
  add(sums: Sums): void {
    if (!this.isOpen) return
    this.sums.inSystemNs += sums.inSystemNs
    this.sums.staysNs += sums.staysNs
    this.sums.servingNs += sums.servingNs
    this.sums.completions += sums.completions
  }

  /**
   * @param waitedNs the total time that the queued requests have waited so far, which does not count
   * @param left the rest of the batches in service, which counts
   */
  open(now: number, inSystem: number, waitedNs: number, left: { servingNs: number; staysNs: number }): void {
    this.isOpen = true
    this.startNs = now
    this.inSystemAtStart = inSystem
    this.sums = { ...zero(), staysNs: left.staysNs - waitedNs, servingNs: left.servingNs }
  }

  /** The counterpart of `open`: `waitedNs` counts, `left` does not. */
  close(now: number, waitedNs: number, left: { servingNs: number; staysNs: number }): void {
    this.isOpen = false
    this.endNs = now
    this.sums.staysNs += waitedNs - left.staysNs
    this.sums.servingNs -= left.servingNs
  }
}
