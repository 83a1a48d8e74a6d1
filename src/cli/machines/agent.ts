import { Command } from 'commander'
import { cores } from '../../machine/cores.js'
import { makeLegible } from '../../text/legible.js'
import { ValidationError } from '../../validation/validation-error.js'
import { addOutputOptions, type OutputFlags } from '../output.js'
import { parseValue } from '../parse-flags.js'
import type { Terminal } from '../terminal.js'

const EXAMPLES = `
An agent works for commands that are run elsewhere with the same Redis, until Ctrl-C: it sends shards of measure --agents, one at a
time, and simulates for sweep, replicate, tune and capacity with --redis. It simulates nothing while it sends.

Examples:
  $ throughline agent --redis redis://10.0.0.5:6379
  $ throughline measure http.json --agents 8 --redis redis://10.0.0.5:6379
  $ throughline sweep scenario.json --vary servers=1,2,4,8 --redis redis://10.0.0.5:6379`

interface AgentFlags extends OutputFlags {
  redis?: string
  name?: string
  threads?: string
}

/** More threads than this do not make simulations faster on any machine. */
const MOST_THREADS = 256

export function agentCommand(terminal: Terminal): Command {
  const command = new Command('agent')
    .description('send shards of HTTP runs, and simulate, for commands that are run elsewhere, over Redis')
    .option('--redis <url>', 'URL of the Redis; required, here or in the config')
    .option('--name <name>', 'name in results (default: host name and process ID)')
    .option('--threads <n>', 'number of simulations at a time (default: the number of cores)')
  addOutputOptions(command).addHelpText('after', EXAMPLES)
  return command.action(async ({ redis, name, threads }: AgentFlags) => {
    if (redis === undefined)
      throw new ValidationError('--redis', 'is required: the URL of a Redis, such as redis://host:6379')
    const count = parseThreads(threads)
    const [{ agentName, runAgent }, { parseRedisUrl }, { SimulationAgent }] = await Promise.all([
      import('../../measure/agents/agent.js'),
      import('../../measure/options.js'),
      import('../../explore/agents/simulation-agent.js'),
    ])
    parseRedisUrl(redis, '--redis')
    const abort = new AbortController()
    const removeListener = terminal.onInterrupt(() => {
      removeListener()
      abort.abort()
    })
    const options = {
      redis,
      name: name ?? agentName(),
      onStatus: (status: string) => terminal.stderr.write(`throughline agent: ${makeLegible(status)}\n`),
    }
    const simulations = await SimulationAgent.start({ ...options, threads: count })
    // both ends take seconds if Redis no longer answers
    abort.signal.addEventListener('abort', () => void simulations.close(), { once: true })
    try {
      await runAgent({ ...options, signal: abort.signal, alone: simulations.pausedDuring })
    } finally {
      await simulations.close()
    }
  })
}

function parseThreads(text: string | undefined): number {
  const threads = text === undefined ? cores() : parseValue(text)
  if (typeof threads === 'number' && Number.isInteger(threads) && threads >= 1 && threads <= MOST_THREADS)
    return threads
  throw new ValidationError('--threads', `must be a whole number from 1 to ${MOST_THREADS}, got '${text}'`)
}
