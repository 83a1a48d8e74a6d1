import { redisUrl } from '../../measure/options.js'
import { type Duration, options, positiveDuration } from '../../scenario/units.js'

/** The agents that simulate in place of the threads of this process. */
export interface OnAgents {
  /** URL of a Redis that all machines reach: `redis://host:6379` */
  redis: string
  /**
   * How long to wait while no agent is there.
   *
   * @default '30s'
   */
  agentTimeout?: Duration | undefined
}

export const onAgentsSchema = options({ redis: redisUrl, agentTimeout: positiveDuration.default(30_000) })

/** The option with its default, in milliseconds. */
export interface ResolvedOnAgents {
  redis: string
  agentTimeout: number
}

/** Refuses `threads`, which are of this process, together with `on`. */
export const threadsOrAgents = {
  check: ({ on, threads }: { on?: unknown; threads?: unknown }) => on === undefined || threads === undefined,
  params: { path: ['threads'], error: 'must be omitted with on; each agent has threads of its own' },
}
