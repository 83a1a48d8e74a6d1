import { type Command, Option } from 'commander'
import type { OnAgents } from '../../explore/agents/options.js'

export interface RedisFlags {
  redis?: string
}

/** Adds the option of commands whose simulations agents may run. */
export function addRedisOption(command: Command): Command {
  return command.addOption(
    new Option(
      '--redis <url>',
      'simulate on the agents of this Redis: redis://host:6379 (default: on this machine)',
    ).conflicts(['threads', 'measure']),
  )
}

/** The option `on` of a simulation; none without the flag. */
export function onAgents({ redis }: RedisFlags): { on?: OnAgents } {
  return redis === undefined ? {} : { on: { redis } }
}
