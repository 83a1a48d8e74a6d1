/** What is added up from event to event. */
export interface Sums {
  /** the number of requests in the system, integrated over time */
  inSystemNs: number
  /** how long the requests of the batches that started stay in all, and those that timed out have stayed */
  staysNs: number
  /** how long the batches that started are served */
  servingNs: number
  /** requests completed */
  completions: number
}

const none = (): Sums => ({ inSystemNs: 0, staysNs: 0, servingNs: 0, completions: 0 })

/** The part of a run that is reported, and the sums over it, clipped at both its ends. */
export class Window {
  isOpen = false
  startNs = 0
  endNs = 0
  inSystemAtStart = 0
  sums = none()

  /** Adds what happened since this was last called; what happened before the window is dropped. */
  add(sums: Sums): void {
    if (!this.isOpen) return
    this.sums.inSystemNs += sums.inSystemNs
    this.sums.staysNs += sums.staysNs
    this.sums.servingNs += sums.servingNs
    this.sums.completions += sums.completions
  }

  /**
   * @param waitedNs how long the requests in the queue have waited so far, added up
   * @param left what is still to come of the batches under way: of what began before, only the rest counts
   */
  open(now: number, inSystem: number, waitedNs: number, left: { servingNs: number; staysNs: number }): void {
    this.isOpen = true
    this.startNs = now
    this.inSystemAtStart = inSystem
    this.sums = { ...none(), staysNs: left.staysNs - waitedNs, servingNs: left.servingNs }
  }

  /** The counterpart of `open`: of what is not over yet, only what has been so far counts. */
  close(now: number, waitedNs: number, left: { servingNs: number; staysNs: number }): void {
    this.isOpen = false
    this.endNs = now
    this.sums.staysNs += waitedNs - left.staysNs
    this.sums.servingNs -= left.servingNs
  }
}
