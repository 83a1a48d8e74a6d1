import { expect, it } from 'vitest'
import { findBusiestOther, type ProcessTimes, readProcessTimes } from '../../src/machine/processes.js'

const times = (given: Record<number, [name: string, cpuMs: number]>): ProcessTimes =>
  new Map(Object.entries(given).map(([pid, [name, cpuMs]]) => [Number(pid), { name, cpuMs }]))

it('finds the other process that used the most CPU between two readings', () => {
  const before = times({ 1: ['init', 900], 7: ['stress', 100], 9: ['own', 0] })
  const after = times({ 1: ['init', 910], 7: ['stress', 400], 8: ['new', 50], 9: ['own', 5000] })
  expect(findBusiestOther(before, after, 9)).toEqual({ name: 'stress', pid: 7, cpuMs: 300 })
  expect(findBusiestOther(after, after, 9)).toBeNull()
  expect(findBusiestOther(times({}), times({}))).toBeNull()
})

it.runIf(process.platform === 'linux')('reads the CPU time of this process', () => {
  const { user, system } = process.cpuUsage()
  const own = readProcessTimes().get(process.pid)
  expect(own?.name).not.toBe('')
  // kept to ticks of 10 ms
  expect(own?.cpuMs).toBeGreaterThan((user + system) / 1000 - 100)
})
