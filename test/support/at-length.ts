import { inject, it } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    /** the fraction of cases and requests to run, set by project in `vitest.config.ts` */
    fraction: number
  }
}

/** How many of `count` cases or requests to run: all of them in the full suite, a fifth in the quick one. */
export const atLength = (count: number): number => Math.ceil(count * inject('fraction'))

/** A test that only the full suite runs, in a file that both run. */
export const itAtLength = it.runIf(inject('fraction') === 1)
