// One of the services compared by `bench/speed/service.ts`, in its own process: `batched`, `alone` or `piscina`.
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { Piscina } from 'piscina'
import { inferRoute } from '../../examples/service/infer.ts'
import { createService } from '../../examples/service/service.ts'

async function serviceOf(kind: string) {
  // no limits, as the pool has none
  const queue = { capacity: null, timeout: null }
  if (kind === 'batched') return (await createService({ queue })).app
  if (kind === 'alone') return (await createService({ queue, batching: { maxBatchSize: 1 } })).app
  const pool = new Piscina({
    filename: new URL('./peers/one-frame.ts', import.meta.url).href,
    minThreads: 1,
    maxThreads: 1,
    execArgv: ['--import', 'tsx'],
  })
  const app = Fastify({ bodyLimit: 4096 })
  inferRoute(app, (frame) => pool.run(frame))
  return app
}

const app = await serviceOf(process.argv[2] as string)
await app.listen({ port: 0, host: '127.0.0.1' })
process.send?.((app.server.address() as AddressInfo).port)
process.once('disconnect', () => process.exit())
