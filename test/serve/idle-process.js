import { createBatcher } from 'throughline/serve'

// run by a test: batchers that are idle, with threads and without, do not keep the process from ending

const batching = { maxBatchSize: 4, maxWait: 1 }
const onThreads = createBatcher(new URL('./handlers/obliging.js', import.meta.url), { batching, servers: 2 })
const inProcess = createBatcher((batch) => batch, { batching })
// whoever waits for an answer keeps it alive
console.log(await Promise.all([1, 2, 3].map((each) => onThreads.run(each))), await inProcess.run(7))
