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
        // tests that use threads or the real clock: they mostly wait, and hold on a busy machine, so that two files at a
        // time spare minutes
        test: {
          name: 'real clock',
          include: ['test/{measure,cli,examples}/**/*.test.ts', 'test/explore/{calibrate,compare-measured}.test.ts'],
          maxWorkers: 2,
          testTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
