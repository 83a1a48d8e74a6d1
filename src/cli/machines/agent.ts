import { Command } from 'commander'
import { ValidationError } from '../../validation/validation-error.js'
import { addOutputOptions, type OutputFlags } from '../output.js'
import type { Terminal } from '../terminal.js'

const EXAMPLES = `
An agent sends shards of the runs that measure --agents starts on the same Redis, one at a time, until Ctrl-C.

Examples:
  $ throughline agent --redis redis://10.0.0.5:6379
  $ throughline measure http.json --agents 8 --redis redis://10.0.0.5:6379`

interface AgentFlags extends OutputFlags {
  redis?: string
  name?: string
}

export function agentCommand(terminal: Terminal): Command {
  const command = new Command('agent')
    .description('send shards of HTTP runs that are started elsewhere, over Redis')
    .option('--redis <url>', 'URL of the Redis; required, here or in the config')
    .option('--name <name>', 'name in results (default: host name and process ID)')
  addOutputOptions(command).addHelpText('after', EXAMPLES)
  return command.action(async ({ redis, name }: AgentFlags) => {
    if (redis === undefined)
      throw new ValidationError('--redis', 'is required: the URL of a Redis, such as redis://host:6379')
    const { runAgent } = await import('../../measure/agents/agent.js')
    const abort = new AbortController()
    const removeListener = terminal.onInterrupt(() => {
      removeListener()
      abort.abort()
    })
    await runAgent({
      redis,
      name,
      signal: abort.signal,
      onStatus: (status) => terminal.stderr.write(`throughline agent: ${status}\n`),
    })
  })
}
