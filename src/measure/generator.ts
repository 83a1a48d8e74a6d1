import type { MessagePort } from 'node:worker_threads'
import type { Arrivals } from '../scenario/arrivals.js'
import { Clients } from '../scenario/clients.js'
import type { Policy } from '../scenario/policy.js'
import { schedule } from '../scenario/schedule.js'
import { Answers } from './answers.js'
import { Bells } from './bells.js'
import { clockFrom } from './clock.js'
import { attend } from './host.js'
import { limitsOf } from './limits.js'
import { sendInLoop } from './loop.js'
import { Losses } from './losses.js'
import { type Pace, send } from './pacing.js'
import { newQueueBuffer, Queue } from './queue.js'
import { restOn } from './rest.js'
import { Ring, ringBytes } from './ring.js'
import { roomBytes } from './room.js'
import { SpeedLog } from './speed.js'
import { Start } from './start.js'
import { Window } from './window.js'
import type { Wire } from './wire.js'

/** What the generator's thread is told. */
export interface GeneratorTask {
  wire: Wire
  arrivals: Arrivals
  seed: number
  stop: { requests: number; ns: number }
  /** how many may sleep until the bell rings for them */
  sleepers: number
  /** rings where the one sleeper is an event loop; null where threads sleep */
  bell: MessagePort | null
  policy: Policy
  spinNs: number
}

/** What it says when it is done: how late the newest request was. */
export interface GeneratorReport {
  lateNs: number
}

/** The task of the generator's thread: sends every request of the run. */
export async function generate(task: GeneratorTask): Promise<GeneratorReport> {
  const { wire, arrivals, seed, stop, sleepers, bell, policy, spinNs } = task
  const answers = wire.answers === null ? null : new Answers(wire.answers)
  const rest = restOn(clockFrom(0n), answers?.word)
  if (answers === null) warmUp({ rest, spinNs })
  else warmUpLoop({ spinNs })

  // before time 0: many clients, each with a stream of its own, take long to make
  const clients = arrivals.process === 'closed' ? new Clients(arrivals, seed) : null
  const originNs = new Start(wire.start).await()
  const clock = clockFrom(originNs)
  const ring = new Ring(wire.ring)
  const bells = new Bells(sleepers, wire.bells, bell && (() => bell.postMessage(null)))
  const window = new Window(wire.window)
  const limits = wire.limits === null ? null : limitsOf(wire.limits, window, answers)
  const queue = new Queue(wire.queue, policy, ring, bells, window, clock, limits)
  const outlet = { ring, bells, window, ...(limits !== null && { queue }) }
  rest.tellTo(new SpeedLog(wire.host.speed))
  const told = attend(wire.host, -1, window, originNs)
  const pace = { clock, rest, spinNs }
  const lateNs =
    arrivals.process !== 'closed'
      ? send(schedule(arrivals, seed), stop, outlet, pace)
      : sendInLoop(clients as Clients, stop, { ...outlet, answers: answers as Answers }, pace)
  await told()
  return { lateNs }
}

const WARM_UP = { rate: 50_000, requests: 2_500 }

/** Sends requests of its own to nobody, so that the run does not begin with code that is still being compiled. */
function warmUp(pace: Omit<Pace, 'clock'>): void {
  const never = Number.POSITIVE_INFINITY
  const stop = { requests: WARM_UP.requests, ns: never }
  const window = Window.of({ stop, startNs: 0, endNs: never, lastNs: never, segments: [{ startNs: 0, first: 0 }] })
  const outlet = { ring: new Ring(), bells: new Bells(1), window }
  const next = schedule({ process: 'poisson', rate: WARM_UP.rate }, 0, 1)
  send(next, stop, outlet, { ...pace, clock: clockFrom(process.hrtime.bigint()) })
}

/** The same for a loop: its clients are turned away by a queue that nobody serves, and think again. */
function warmUpLoop({ spinNs }: Pick<Pace, 'spinNs'>): void {
  const arrivals = { process: 'closed', clients: 50, thinkTime: { mean: 1 } } as const
  const clock = clockFrom(process.hrtime.bigint())
  const never = Number.POSITIVE_INFINITY
  const stop = { requests: WARM_UP.requests, ns: never }
  const window = Window.of({ stop, startNs: 0, endNs: never, lastNs: never, segments: [{ startNs: 0, first: 0 }] })
  const answers = new Answers(new SharedArrayBuffer(Answers.bytes(arrivals.clients)))
  const rest = restOn(clock, answers.word)
  const room = { capacity: 0, timeoutNs: never, room: new SharedArrayBuffer(roomBytes(0)) }
  const limits = limitsOf({ ...room, losses: new SharedArrayBuffer(Losses.bytes(1)) }, window, answers)
  const ring = new Ring(new SharedArrayBuffer(ringBytes(1024, true)))
  const bells = new Bells(1)
  const queue = new Queue(newQueueBuffer(1), { maxBatchSize: 1, maxWaitNs: 0 }, ring, bells, window, clock, limits)
  sendInLoop(new Clients(arrivals, 0), stop, { ring, bells, window, queue, answers }, { clock, rest, spinNs })
}
