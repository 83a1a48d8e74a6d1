import { describe, expect, it } from 'vitest'
import type { AgentsNeeded } from '../../src/index.js'
import { throughline } from '../support/processes/command-line.js'

describe('throughline agents', () => {
  it('prints how many agents a load needs, with an exit code that follows', async () => {
    const { code, stdout } = await throughline('agents', '--arrivals', '100/s', '--at-most', '1s', '--json')
    const { load, agents, search }: AgentsNeeded = JSON.parse(stdout)
    expect(load).toBe(100)
    // a busy machine may send nothing on time
    expect(code).toBe(agents === null ? 3 : 0)
    expect(agents === null).toBe(search.rate === null)
  })

  it('says that there was too little time', async () => {
    const { code, stdout } = await throughline('agents', '--arrivals', '20/s', '--at-most', '10ms')
    expect(stdout).toContain('The number of agents for 20/s is unknown: the time ran out before a run ended.')
    expect(code).toBe(3)
  })

  it.each([
    ['--arrivals 10/s --duration 5s', '--duration: must be omitted; --at-most limits all runs together'],
    ['--arrivals 10/s --requests 50', '--requests: must be omitted; --at-most limits all runs together'],
    ['--clients 5', '--clients: must be a process with a rate, or stages; closed has no rate'],
    ['--arrivals 10/s --handler handler.ts', 'agents: send http scenarios only'],
    ['--arrivals 10/s --at-most never', '--at-most: must be a duration'],
    ['', '--arrivals: is required'],
  ])('refuses %j', async (flags, message) => {
    const { code, stderr } = await throughline('agents', ...flags.split(' ').filter(Boolean))
    expect(stderr).toContain(message)
    expect(code).toBe(2)
  })
})
