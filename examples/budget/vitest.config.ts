import { realClock } from 'throughline/vitest/config'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      // in virtual time: exact, instant and reproducible
      { test: { name: 'virtual', include: ['**/*.vitest.test.ts'] } },
      // on the real clock: one file at a time, after all others
      realClock(),
    ],
  },
})
