import { beforeEach } from 'vitest'

// Of a file of the quick suite, the full suite runs only the tests that it runs at length.
beforeEach(({ task, skip }) => {
  skip(!task.file.name.endsWith('.full.test.ts') && task.tags?.length === 0, 'the quick suite runs it')
})
