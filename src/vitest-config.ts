/** Options of the project for tests on the real clock. */
export interface RealClockOptions {
  /**
   * The test files, as glob patterns.
   *
   * @default files that end in `.real.test.ts` or a similar extension: `.real.spec.ts`, `.real.test.mjs`, …
   */
  include?: string[]
  /**
   * The timeout of a test, in milliseconds.
   *
   * @default 120_000
   */
  testTimeout?: number
}

/**
 * Creates a vitest project for tests that measure on the real clock. They run after all other projects, one test at a
 * time, with a longer timeout. They are not retried, as a retry would hide half of the failures of a flaky budget.
 *
 * @example
 * // vitest.config.ts
 * export default defineConfig({
 *   test: { projects: [{ test: { name: 'unit', exclude: ['**\/*.real.test.ts'] } }, realClock()] },
 * })
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
