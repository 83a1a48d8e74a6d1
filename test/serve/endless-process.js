import { createBatcher } from 'throughline/serve'

// run by a test: who waits for a batch that never ends is told, though nothing else keeps the process alive
const batcher = createBatcher(() => new Promise(() => {}), { batchTimeout: '50ms' })
await batcher.run(1).catch(({ code }) => console.log(code))
