import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    /** set by project in `vitest.config.ts` */
    suite: 'quick' | 'full'
  }
}

/**
 * How many cases or requests to run: `count` in the full suite, `quick` in the quick one. Its test has the tag `at-length`,
 * for both suites to run it. A test with the tag `full` runs in the full suite alone, any other test of the same file in
 * the quick one alone.
 */
export const atLength = (count: number, quick = Math.ceil(count / 5)): number =>
  inject('suite') === 'full' ? count : quick
