import { createBatcher } from 'throughline/serve'

// run by a test: a batch that never ends times out, though nothing else keeps the process alive
const batcher = createBatcher(() => new Promise(() => {}), { batchTimeout: '50ms' })
await batcher.run(1).catch(({ code }) => console.log(code))
