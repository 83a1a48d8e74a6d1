import { describe, expect, it } from 'vitest'
import { cpuQuota } from '../../src/machine/cgroup.js'
import { coresWithin } from '../../src/machine/cores.js'

/** Reads the given files; any other is missing. */
const files = (given: Record<string, string>) => (path: string) => {
  const text = given[path]
  if (text === undefined) throw new Error(`ENOENT: ${path}`)
  return text
}

describe('the CPU quota of a container', () => {
  it('is read from version 2, with how often it was throttled', () => {
    const read = files({
      '/proc/self/cgroup': '0::/\n',
      '/sys/fs/cgroup/cpu.max': '150000 100000\n',
      '/sys/fs/cgroup/cpu.stat': 'usage_usec 5\nnr_periods 70\nnr_throttled 12\nthrottled_usec 340000\n',
    })
    expect(cpuQuota(read)).toEqual({ cores: 1.5, throttled: { periods: 12, ms: 340 } })
  })

  it('is the lowest of the group and the groups above it', () => {
    const read = files({
      '/proc/self/cgroup': '0::/pods/one/main\n',
      '/sys/fs/cgroup/pods/one/main/cpu.max': 'max 100000\n',
      '/sys/fs/cgroup/pods/one/cpu.max': '50000 100000\n',
      '/sys/fs/cgroup/pods/cpu.max': '400000 100000\n',
    })
    expect(cpuQuota(read)).toEqual({ cores: 0.5, throttled: { periods: 0, ms: 0 } })
  })

  it('is read from version 1', () => {
    const read = files({
      '/proc/self/cgroup': '12:memory:/x\n4:cpu,cpuacct:/docker/abc\n0::/\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '200000\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      '/sys/fs/cgroup/cpu/cpu.stat': 'nr_periods 9\nnr_throttled 3\nthrottled_time 7000000\n',
    })
    expect(cpuQuota(read)).toEqual({ cores: 2, throttled: { periods: 3, ms: 7 } })
  })

  it.each<[string, Record<string, string>]>([
    ['without control groups', {}],
    ['without a quota', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': 'max 100000\n' }],
    [
      'of version 1 without a quota',
      {
        '/proc/self/cgroup': '4:cpu:/\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      },
    ],
    ['of files that say something else', { '/proc/self/cgroup': 'nonsense', '/sys/fs/cgroup/cpu.max': '' }],
  ])('is null %s', (_, given) => {
    expect(cpuQuota(files(given))).toBeNull()
  })
})

it.each([
  // machine, quota, cores
  [8, null, 8],
  [8, 1.5, 2],
  [8, 0.2, 1],
  [2, 4, 2],
])('%i cores with a quota of %s are %i', (machine, quota, cores) => {
  expect(coresWithin(machine, quota)).toBe(cores)
})
