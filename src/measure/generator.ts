import type { MessagePort } from 'node:worker_threads'
import type { OpenArrivals } from '../scenario/arrivals.js'
import { schedule } from '../scenario/schedule.js'
import { Bells } from './bells.js'
import { clockFrom } from './clock.js'
import { attend } from './host.js'
import { type Pace, send } from './pacing.js'
import { restOn } from './rest.js'
import { Ring } from './ring.js'
import { SpeedLog } from './speed.js'
import { Start } from './start.js'
import { Window } from './window.js'
import type { Wire } from './wire.js'

/** What the generator's thread is told. */
export interface GeneratorTask {
  wire: Wire
  arrivals: OpenArrivals
  seed: number
  stop: { requests: number; ns: number }
  /** how many may sleep until the bell rings for them */
  sleepers: number
  /** rings where the one sleeper is an event loop; null where threads sleep */
  bell: MessagePort | null
  spinNs: number
}

/** What it says when it is done: how late the newest request was. */
export interface GeneratorReport {
  lateNs: number
}

/** The task of the generator's thread: sends every request of the run. */
export async function generate(task: GeneratorTask): Promise<GeneratorReport> {
  const { wire, arrivals, seed, stop, sleepers, bell, spinNs } = task
  const rest = restOn(clockFrom(0n))
  warmUp({ rest, spinNs })

  const originNs = new Start(wire.start).await()
  const outlet = {
    ring: new Ring(wire.ring),
    bells: new Bells(sleepers, wire.bells, bell && (() => bell.postMessage(null))),
    window: new Window(wire.window),
  }
  rest.tellTo(new SpeedLog(wire.host.speed))
  const told = attend(wire.host, -1, outlet.window, originNs)
  const lateNs = send(schedule(arrivals, seed), stop, outlet, { clock: clockFrom(originNs), rest, spinNs })
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
