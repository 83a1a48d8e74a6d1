import type { Books } from './account.js'
import { Bells } from './bells.js'
import type { Layout } from './layout.js'
import { limitsOf } from './limits.js'
import { Queue } from './queue.js'
import { Ring } from './ring.js'
import { Window } from './window.js'

/** A queue with limits, for who only reads it; null where it has none. */
export function limitedOf({ scenario, wire, policy }: Pick<Layout, 'scenario' | 'wire' | 'policy'>): Books['limited'] {
  if (wire.limits === null) return null
  const window = new Window(wire.window)
  const limits = limitsOf(wire.limits, window, null)
  const bells = new Bells(1)
  const unlimited = scenario.servers === null
  const queue = new Queue(wire.queue, policy, new Ring(wire.ring), bells, window, () => 0, limits, unlimited)
  return { queue, losses: limits.losses }
}
