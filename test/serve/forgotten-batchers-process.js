import { setImmediate as macrotask } from 'node:timers/promises'
import { createBatcher } from 'throughline/serve'

// run by a test with --expose-gc: batchers that were closed or collected leave nothing behind in the process

const listeners = () => process.listenerCount('beforeExit')
const make = () => createBatcher((batch) => batch)

const closed = Array.from({ length: 3 }, make)
await Promise.all(closed.map((batcher) => batcher.run(1)))
const whileOpen = listeners()
await Promise.all(closed.map((batcher) => batcher.close()))
const afterClose = listeners()

for (let i = 0; i < 100; i++) await make().run(i)
const whileDropped = listeners()
for (let i = 0; i < 100 && listeners() > 0; i++) {
  globalThis.gc()
  // finalizers run in a macrotask
  await macrotask()
}
console.log({ whileOpen, afterClose, whileDropped, afterCollection: listeners() })
