import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    /** the fraction of cases and requests to run, set by project in `vitest.config.ts` */
    fraction: number
  }
}

/** How many of `count` cases or requests to run: all of them in the full suite, a fifth in the quick one. */
export const atLength = (count: number): number => Math.ceil(count * inject('fraction'))
