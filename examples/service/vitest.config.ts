import { realClock } from 'throughline/vitest/config'
import { defineConfig } from 'vitest/config'

export default defineConfig({ test: { projects: [realClock()] } })
