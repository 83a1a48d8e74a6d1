import type { Recording } from '../result/recording.js'
import { SEGMENTS } from '../result/recording.js'
import { joinParts, recordStages } from '../result/stages.js'
import type { Finding } from '../result/validity.js'
import { Clients } from '../scenario/arrivals/clients.js'
import { type DueTimes, dueTimes } from '../scenario/arrivals/schedule.js'
import { cutsBetween, stageSpans } from '../scenario/arrivals/stage-spans.js'
import { buildPolicy, deadline, decide, type Policy } from '../scenario/batching-policy.js'
import { LONGEST_NS, NS_PER_MS, nanoseconds } from '../scenario/nanoseconds.js'
import { classesOf, type RequestClasses } from '../scenario/request-classes.js'
import type { SimulatedScenario } from '../scenario/scenario.js'
import type { Cause } from '../scenario/service/service.js'
import { extentNs, horizonOf } from '../scenario/stop.js'
import { ValidationError } from '../validation/validation-error.js'
import { BusyServers } from './busy.js'
import { Queue } from './queue.js'
import {
  type ClassServiceTimes,
  classServiceTimes,
  type DispatchNs,
  dispatchTimes,
  ServiceTimes,
} from './service-times.js'
import { BUFFERED, SimulationRecorder } from './simulation-recorder.js'
import { SimulatedWindow } from './window.js'

/** An event of a simulation. Requests are numbered from 0. */
export type SimulationEvent =
  | { type: 'batch'; startMs: number; endMs: number; requests: number[] }
  | { type: 'reject' | 'timeout'; atMs: number; request: number }

const NEVER = Number.POSITIVE_INFINITY
const BLOCK = 1024
/** The number of requests between two calls of `onProgress`. */
const PROGRESS_REQUESTS = 65_536

/**
 * The virtual-clock engine. Time jumps from event to event, in whole nanoseconds. Events at the same instant are handled
 * in the order given in docs/architecture.md: completions, arrivals, batching deadlines, queue timeouts. Each is handled
 * completely, including the batches that leave because of it, before the next.
 */
export class Engine {
  readonly #scenario: SimulatedScenario
  readonly #policy: Policy
  readonly #service: ServiceTimes
  readonly #classes: RequestClasses | null
  readonly #classService: ClassServiceTimes | null
  readonly #dispatchNs: Record<Cause, DispatchNs> | null
  readonly #clients: Clients | null
  readonly #dueTimes: DueTimes | null
  readonly #dues = new Float64Array(BLOCK)
  readonly #capacity: number
  readonly #timeoutNs: number
  readonly #onEvent: ((event: SimulationEvent) => void) | undefined
  /** batches wait to fill, so a wait is not all queueing */
  readonly #splitsWait: boolean

  readonly #queue = new Queue()
  readonly #busy: BusyServers
  readonly #recorder: SimulationRecorder
  readonly #window = new SimulatedWindow()

  /** the state between two calls of #handleEvents, which keeps it in local variables */
  #now = 0
  #nextDue = 0
  #block = 0
  #head = 0
  #tail = 0
  #inSystem = 0
  #idle: number
  /** when the first server will be done, and the start and the size of its batch */
  #done = NEVER
  #doneStart = 0
  #doneSize = 0
  #someIdleNs = 0
  #someIdleSince = 0
  /** how many requests have been due */
  #number = 0

  readonly #stop: { requests: number; ns: number }
  #interrupted = false
  /** when the next segment starts, by time or by request number */
  #nextSegmentNs: number
  #nextSegmentNumber: number
  #segmentsBegun = 0
  #firstNumber = 0
  /** when stages begin, which cuts segments, and the next of these times */
  readonly #cuts: readonly number[]
  #cut = 0

  constructor(scenario: SimulatedScenario, onEvent?: (event: SimulationEvent) => void, replication = 0) {
    const { arrivals, service, seed } = scenario
    if (service === undefined) throw new ValidationError('service', 'is required to simulate')
    this.#scenario = scenario
    this.#policy = buildPolicy(scenario.batching)
    this.#service = new ServiceTimes(service, scenario.batching.maxBatchSize, seed, replication)
    this.#classes = classesOf(scenario, replication)
    this.#classService = classServiceTimes(
      this.#service,
      scenario.classes,
      this.#policy.maxBatchSize,
      seed,
      replication,
    )
    this.#dispatchNs = dispatchTimes(service, seed, replication)
    this.#clients = arrivals.process === 'closed' ? new Clients(arrivals, seed, replication) : null
    this.#dueTimes = arrivals.process === 'closed' ? null : dueTimes(arrivals, seed, replication)
    this.#capacity = scenario.queue.capacity ?? NEVER
    this.#timeoutNs = scenario.queue.timeout === null ? NEVER : nanoseconds(scenario.queue.timeout)
    this.#onEvent = onEvent
    this.#splitsWait = this.#policy.maxBatchSize > 1 && this.#policy.maxWaitNs > 0
    this.#busy = new BusyServers(scenario.servers)
    this.#idle = scenario.servers
    this.#recorder = new SimulationRecorder({
      batching: this.#splitsWait,
      dispatch: this.#dispatchNs !== null,
      maxBatchSize: this.#policy.maxBatchSize,
      good: scenario.good,
      classes: this.#classes,
    })
    this.#stop = extentNs(horizonOf(scenario.stop))
    const warmup = extentNs(scenario.warmup)
    this.#cuts = cutsBetween(stageSpans(arrivals))
    this.#nextSegmentNs = Math.min(warmup.ns, this.#stop.ns)
    this.#nextSegmentNumber = warmup.requests
    this.#dueTimes?.(this.#dues)
    this.#block = 1
    this.#nextDue = this.#clients === null ? (this.#dues[0] as number) : this.#clients.nextDue
  }

  /**
   * Runs to the end.
   *
   * @param onProgress called every 65,536 requests; stops the run if it returns false
   */
  run(onProgress?: (requests: number, nowMs: number) => boolean): Recording {
    let nextProgress = PROGRESS_REQUESTS
    if (this.#nextSegmentNumber === 0) this.#beginSegment(0)
    for (;;) {
      const boundaryNs = Math.min(this.#nextSegmentNs, this.#cuts[this.#cut] ?? NEVER)
      const next = this.#handleEvents(boundaryNs, Math.min(this.#nextSegmentNumber, this.#stop.requests, nextProgress))
      // without another event, the window continues only to a time that is set
      if (next >= boundaryNs && (next < NEVER || this.#nextSegmentNs < NEVER)) {
        if (boundaryNs === this.#nextSegmentNs) this.#beginSegment(boundaryNs)
        else this.#beginPart(boundaryNs, true)
      } else if (next === NEVER) break
      else if (next >= LONGEST_NS) {
        throw new ValidationError('stop', 'the run exceeds 104 days (2^53 ns), the longest run; use a shorter stop')
      } else if (this.#number >= this.#stop.requests) {
        this.#closeWindow(next)
      } else if (this.#number === this.#nextSegmentNumber) this.#beginSegment(next)
      else {
        nextProgress = this.#number + PROGRESS_REQUESTS
        if (onProgress?.(this.#number, next / NS_PER_MS) === false) this.#interrupt()
      }
    }
    this.#closeWindow(this.#now)
    return this.#recording()
  }

  /**
   * The hot loop: handles events until the next one is at `horizonNs` or later, or is the arrival of request number
   * `untilNumber`. Its state is in local variables, because writing a number to a field allocates a box each time. So it
   * is one long function: helpers could not change that state.
   *
   * @returns the time of the next event
   */
  #handleEvents(horizonNs: number, untilNumber: number): number {
    const policy = this.#policy
    const { maxBatchSize } = policy
    const busy = this.#busy
    const { doneNs, startNs, batchSize } = busy
    const queue = this.#queue
    const recorder = this.#recorder
    const service = this.#service
    const clients = this.#clients
    const dues = this.#dues
    const horizon = Math.min(horizonNs, LONGEST_NS)
    const capacity = this.#capacity
    const bounded = capacity < NEVER
    const timeoutNs = this.#timeoutNs
    const timesOut = timeoutNs < NEVER
    const canBeStuck = policy.maxWaitNs === NEVER
    const splitsWait = this.#splitsWait
    const stopNs = this.#stop.ns
    const counts = this.#window.isOpen
    const emits = this.#onEvent !== undefined
    const requestClasses = this.#classes
    const classService = this.#classService
    /** a request that arrives while all servers are busy can only queue */
    const onlyQueues = clients === null && !bounded && !timesOut && !canBeStuck
    const arrivalsUntil = Math.min(horizon, stopNs)

    const { latencies, waits, services, sizes, queueings, batchings, dispatchings, classes } = recorder
    const dispatches = this.#dispatchNs !== null
    const splitsQueueing = splitsWait || dispatches

    let { due: queued, mask } = queue
    let idle = this.#idle
    let done = this.#done
    let doneStart = this.#doneStart
    let doneSize = this.#doneSize
    let buffered = 0
    let batches = 0
    let { nextPosition } = recorder
    let last = this.#now
    let nextDue = this.#nextDue
    let block = this.#block
    let head = this.#head
    let tail = this.#tail
    let number = this.#number
    let inSystem = this.#inSystem
    let someIdleNs = this.#someIdleNs
    let someIdleSince = this.#someIdleSince
    let ended = canBeStuck && this.#isOver(nextDue, number)
    let inSystemNs = 0
    let staysNs = 0
    let servingNs = 0
    let completions = 0
    let now: number

    for (;;) {
      if (idle === 0 && onlyQueues) {
        // fast path: while all servers are busy, arrivals only queue
        const until = Math.min(done, arrivalsUntil)
        while (nextDue < until && number < untilNumber) {
          now = nextDue
          if (block === BLOCK) {
            this.#dueTimes?.(dues)
            block = 0
          }
          nextDue = dues[block++] as number
          if (tail - head > mask) {
            queue.grow(head, tail)
            queued = queue.due
            mask = queue.mask
          }
          const at = tail++ & mask
          queued[at] = now
          if (emits) queue.number[at] = number
          if (requestClasses !== null) queue.class[at] = requestClasses.classOf(number)
          if (splitsWait) queue.idleNs[at] = someIdleNs
          inSystemNs += inSystem * (now - last)
          last = now
          inSystem++
          number++
        }
      }
      now = done
      if (nextDue < now) now = nextDue
      let timer = NEVER
      if (tail > head) {
        const oldest = queued[head & mask] as number
        if (idle > 0) {
          timer = deadline(policy, oldest)
          if (timer < now) now = timer
        }
        if (timesOut && oldest + timeoutNs < now) now = oldest + timeoutNs
      }
      if (now >= horizon) break

      let cause: Cause
      if (now === done) {
        inSystemNs += inSystem * (now - last)
        last = now
        if (idle === 0) someIdleSince = now
        idle++
        inSystem -= doneSize
        completions += doneSize
        if (busy.count === 0) done = NEVER
        else {
          const place = busy.take()
          done = doneNs[place] as number
          doneStart = startNs[place] as number
          doneSize = batchSize[place] as number
        }
        cause = 'turnaround'
      } else if (now === nextDue) {
        if (number >= untilNumber) break
        if (now >= stopNs) {
          nextDue = NEVER
          continue
        }
        let client = 0
        if (clients !== null) {
          client = clients.send(now)
          nextDue = clients.nextDue
        } else {
          if (block === BLOCK) {
            this.#dueTimes?.(dues)
            block = 0
          }
          nextDue = dues[block++] as number
        }
        ended = canBeStuck && this.#isOver(nextDue, number + 1)
        cause = splitsWait && tail - head + 1 >= maxBatchSize ? 'filled' : 'wake'
        if (
          bounded &&
          tail - head >= capacity &&
          // a request that leaves at once, or makes a batch leave, needs no place in the queue
          (idle === 0 ||
            decide(policy, tail - head + 1, tail > head ? (queued[head & mask] as number) : now, now, ended) === 0)
        ) {
          recorder.rejected(number)
          this.#onEvent?.({ type: 'reject', atMs: now / NS_PER_MS, request: number })
          number++
          if (clients !== null) {
            clients.think(client, now)
            nextDue = clients.nextDue
            ended = canBeStuck && this.#isOver(nextDue, number)
          }
        } else {
          if (tail - head > mask) {
            queue.grow(head, tail)
            queued = queue.due
            mask = queue.mask
          }
          const at = tail++ & mask
          queued[at] = now
          if (emits) queue.number[at] = number
          if (requestClasses !== null) queue.class[at] = requestClasses.classOf(number)
          if (splitsWait) queue.idleNs[at] = idle > 0 ? someIdleNs + now - someIdleSince : someIdleNs
          if (clients !== null) queue.client[at] = client
          inSystemNs += inSystem * (now - last)
          last = now
          inSystem++
          number++
        }
      } else if (now === timer) cause = 'deadline'
      else {
        inSystemNs += inSystem * (now - last)
        last = now
        inSystem--
        staysNs += timeoutNs
        if (head >= nextPosition) {
          nextPosition = recorder.advance(head, buffered, batches)
          buffered = 0
          batches = 0
        }
        this.#timeOut(head, now)
        if (clients !== null) {
          nextDue = clients.nextDue
          ended = canBeStuck && this.#isOver(nextDue, number)
        }
        head++
        continue
      }

      // batches leave while a server is idle and the policy lets them
      while (idle > 0 && tail > head) {
        const size = decide(policy, tail - head, queued[head & mask] as number, now, ended)
        if (size === 0) break
        const dispatch = dispatches ? (this.#dispatchNs as Record<Cause, DispatchNs>)[cause](now) : 0
        if (classService !== null) {
          for (let i = 0; i < size; i++) classService.add(queue.class[(head + i) & mask] as number)
        }
        const serviceNs = (classService ?? service).next(size, now + dispatch)
        const start = now + dispatch
        const end = start + serviceNs
        const someIdle = splitsWait ? someIdleNs + now - someIdleSince : 0
        if (emits) this.#emitBatch(head, size, start, end)
        let first = head
        for (const next = head + size; head < next; head++) {
          if (head >= nextPosition || buffered === BUFFERED) {
            // the buffer is flushed in the middle of this batch: count its part
            if (head > first) {
              services[batches] = serviceNs
              sizes[batches++] = head - first
              first = head
            }
            nextPosition = recorder.advance(head, buffered, batches)
            buffered = 0
            batches = 0
          }
          const at = head & mask
          const due = queued[at] as number
          const batching = splitsWait ? someIdle - (queue.idleNs[at] as number) : 0
          latencies[buffered] = end - due
          waits[buffered] = start - due
          if (splitsQueueing) queueings[buffered] = now - due - batching
          if (splitsWait) batchings[buffered] = batching
          if (dispatches) dispatchings[buffered] = dispatch
          if (requestClasses !== null) classes[buffered] = queue.class[at] as number
          buffered++
          staysNs += end - due
          if (clients !== null) clients.think(queue.client[at] as number, end)
        }
        services[batches] = serviceNs
        sizes[batches++] = head - first
        if (clients !== null) {
          nextDue = clients.nextDue
          ended = canBeStuck && this.#isOver(nextDue, number)
        }
        if (counts) recorder.batch(size)
        if (end >= done) busy.add(end, start, size)
        else {
          if (done < NEVER) busy.add(done, doneStart, doneSize)
          done = end
          doneStart = start
          doneSize = size
        }
        idle--
        if (idle === 0) someIdleNs += now - someIdleSince
        servingNs += serviceNs
      }
    }

    recorder.count(buffered, batches)
    this.#now = last
    this.#nextDue = nextDue
    this.#block = block
    this.#head = head
    this.#tail = tail
    this.#number = number
    this.#inSystem = inSystem
    this.#idle = idle
    this.#done = done
    this.#doneStart = doneStart
    this.#doneSize = doneSize
    this.#someIdleNs = someIdleNs
    this.#someIdleSince = someIdleSince
    this.#window.add({ inSystemNs, staysNs, servingNs, completions })
    return now
  }

  /** Drops the oldest request, which has reached the queue timeout. */
  #timeOut(head: number, now: number): void {
    const queue = this.#queue
    const at = head & queue.mask
    this.#recorder.timedOut(queue.class[at] as number)
    this.#onEvent?.({ type: 'timeout', atMs: now / NS_PER_MS, request: queue.number[at] as number })
    this.#clients?.think(queue.client[at] as number, now)
  }

  #emitBatch(head: number, size: number, start: number, end: number): void {
    const { number, mask } = this.#queue
    const requests = Array.from({ length: size }, (_, i) => number[(head + i) & mask] as number)
    this.#onEvent?.({ type: 'batch', startMs: start / NS_PER_MS, endMs: end / NS_PER_MS, requests })
  }

  /** Whether a request due at this time, with this number, is past the stop. */
  #isOver(due: number, number: number): boolean {
    return due >= this.#stop.ns || number >= this.#stop.requests || due === NEVER
  }

  #interrupt(): void {
    this.#interrupted = true
    this.#stop.requests = this.#number
    this.#stop.ns = NEVER
  }

  /** Starts the window, or its next segment, or closes the window at the stop. */
  #beginSegment(now: number): void {
    this.#passTo(now)
    const window = this.#window
    if (now >= this.#stop.ns) {
      this.#closeWindow(now)
      return
    }
    if (!window.isOpen) {
      window.open(now, this.#inSystem, this.#queue.waitedNs(this.#head, this.#tail, now), this.#leftAt(now))
      this.#firstNumber = this.#number
    }
    this.#beginPart(now, false)
    this.#segmentsBegun++
    this.#nextSegmentNs = NEVER
    this.#nextSegmentNumber = NEVER
    // segments are equal in time if the stop is a duration, else equal in requests
    if (this.#stop.ns < NEVER) {
      const { startNs } = window
      this.#nextSegmentNs = Math.round(startNs + ((this.#stop.ns - startNs) * this.#segmentsBegun) / SEGMENTS)
      return
    }
    const first = this.#firstNumber
    for (; this.#segmentsBegun < SEGMENTS; this.#segmentsBegun++) {
      const next = Math.ceil(first + ((this.#stop.requests - first) * this.#segmentsBegun) / SEGMENTS)
      if (next <= this.#number) continue
      this.#nextSegmentNumber = next
      return
    }
  }

  /**
   * Begins a part of the window, if it has begun.
   *
   * @param continues whether it continues a segment, in another stage
   */
  #beginPart(now: number, continues: boolean): void {
    this.#passTo(now)
    while ((this.#cuts[this.#cut] ?? NEVER) <= now) this.#cut++
    if (!this.#window.isOpen) return
    const position = { number: this.#number, tail: this.#tail, inSystem: this.#inSystem }
    this.#recorder.open(now, continues, position, this.#window.sums)
  }

  /** Stops arrivals and closes the window. Requests that wait or are in service are still served. */
  #closeWindow(now: number): void {
    this.#nextDue = NEVER
    this.#nextSegmentNs = NEVER
    this.#nextSegmentNumber = NEVER
    this.#cut = this.#cuts.length
    if (!this.#window.isOpen) return
    this.#passTo(now)
    // closing the window takes away what is left to serve
    const done = { ...this.#window.sums }
    this.#window.close(now, this.#queue.waitedNs(this.#head, this.#tail, now), this.#leftAt(now))
    this.#recorder.close(now, this.#number, this.#inSystem, done)
  }

  /** The rest of the batches in service: server time, and time of their requests in the system. */
  #leftAt(now: number): { servingNs: number; staysNs: number } {
    const left = { servingNs: 0, staysNs: 0 }
    const add = (doneNs: number, startNs: number, batchSize: number) => {
      left.servingNs += doneNs - Math.max(now, startNs)
      left.staysNs += (doneNs - now) * batchSize
    }
    if (this.#done < NEVER) add(this.#done, this.#doneStart, this.#doneSize)
    this.#busy.forEach(add)
    return left
  }

  /** Advances time without an event. */
  #passTo(now: number): void {
    this.#window.add({ inSystemNs: this.#inSystem * (now - this.#now), staysNs: 0, servingNs: 0, completions: 0 })
    this.#now = now
  }

  #recording(): Recording {
    const counts = this.#recorder.finish()
    const { histograms, parts, batchSizes, classRecordings } = this.#recorder
    const { startNs, endNs, inSystemAtStart, sums } = this.#window
    const stages = recordStages(parts, this.#scenario.arrivals, { startNs, endNs })
    return {
      engine: 'simulate',
      scenario: this.#scenario,
      startNs,
      endNs,
      histograms,
      ...(classRecordings !== null && { classes: classRecordings }),
      ...(stages !== null && { stages }),
      counts,
      batchSizes,
      inSystemAtStart,
      ...sums,
      segments: joinParts(parts),
      fromSend: null,
      findings: this.#interrupted ? [interruptedFinding(this.#number)] : [],
    }
  }
}

function interruptedFinding(requests: number): Finding {
  return {
    code: 'interrupted',
    severity: 'error',
    message: `the run was interrupted after ${requests.toLocaleString('en')} requests`,
    figures: { requests },
  }
}
