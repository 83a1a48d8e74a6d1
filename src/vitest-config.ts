/** Which files, and how long a test of them may take. */
export interface RealClockOptions {
  /** Default: `**\/*.real.test.ts`, and what else such a file may end in. */
  include?: string[]
  /** In milliseconds. Default 120,000. */
  testTimeout?: number
}

/**
 * A project of vitest's for tests that measure on a real clock: one file at a time and no tests beside one another,
 * after all other projects, with a longer timeout and without retries, which would hide one failure in two.
 */
export function realClock({
  include = ['**/*.real.{test,spec}.?(c|m)[jt]s?(x)'],
  testTimeout = 120_000,
}: RealClockOptions = {}) {
  return {
    test: {
      name: 'real clock',
      include,
      fileParallelism: false,
      sequence: { concurrent: false, groupOrder: 1 },
      testTimeout,
      hookTimeout: testTimeout,
      retry: 0,
    },
  }
}
