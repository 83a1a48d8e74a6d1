import { createBatcher } from 'throughline/serve'

// run by a test: idle batchers, with threads and without, do not keep the process alive

const batching = { maxBatchSize: 4, maxWait: 1 }
const onThreads = createBatcher(new URL('./handlers/scripted.js', import.meta.url), { batching, servers: 2 })
const inProcess = createBatcher((batch) => batch, { batching })
// calls that wait for an answer do
console.log(await Promise.all([1, 2, 3].map((each) => onThreads.run(each))), await inProcess.run(7))
