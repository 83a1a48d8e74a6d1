import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'virtual',
          include: ['test/**/*.test.ts'],
          exclude: ['test/{measure,cli,examples}/**', 'test/explore/{calibrate,compare-measured}.test.ts'],
        },
      },
      {
        // tests that use threads or the real clock: one file at a time, so that they do not disturb one another
        test: {
          name: 'real clock',
          include: ['test/{measure,cli,examples}/**/*.test.ts', 'test/explore/{calibrate,compare-measured}.test.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
