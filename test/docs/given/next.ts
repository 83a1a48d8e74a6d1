import type { Scenario } from 'throughline'

const scenario: Scenario = {
  arrivals: '200/s',
  handler: new URL('./faster-model.ts', import.meta.url),
  stop: { duration: '50ms' },
}
export default scenario
