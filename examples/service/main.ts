// An HTTP service that serves a real model in batches. Run it with `npx tsx examples/service/main.ts`, send to it as
// `examples/service/service.real.test.ts` does, and look at /latency meanwhile.
import { parseArgs } from 'node:util'
import { policy } from './policy.ts'
import { createService } from './service.ts'

const { batching, servers, queue } = policy
const { values: asked } = parseArgs({
  options: {
    port: { type: 'string', default: '8080' },
    'max-batch-size': { type: 'string', default: String(batching.maxBatchSize) },
    'max-wait': { type: 'string', default: batching.maxWait },
    servers: { type: 'string', default: String(servers) },
    'queue-capacity': { type: 'string', default: String(queue.capacity) },
    'queue-timeout': { type: 'string', default: queue.timeout },
  },
})

const { app } = await createService({
  batching: { maxBatchSize: Number(asked['max-batch-size']), maxWait: asked['max-wait'] },
  servers: Number(asked.servers),
  queue: { capacity: Number(asked['queue-capacity']), timeout: asked['queue-timeout'] },
})
const url = await app.listen({ port: Number(asked.port), host: '127.0.0.1' })
console.log(`${url}/infer answers, ${url}/latency tells how fast`)

// the process exits by itself when all requests are answered; a second signal ends it at once
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void app.close())
