import { join, resolve } from 'node:path'
import { expect } from 'vitest'

// Files share a process: each begins in its own working directory, the commands' in that of their scenarios.
const root = resolve(import.meta.dirname, '../../..')
const { testPath = '' } = expect.getState()
process.chdir(testPath.startsWith(join(root, 'test/cli/')) ? join(root, 'test/cli/scenarios') : root)
