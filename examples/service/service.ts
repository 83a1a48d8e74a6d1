import Fastify, { type FastifyInstance } from 'fastify'
import { createReportHandler } from 'throughline/report'
import {
  type Batcher,
  type BatcherOptions,
  type BatchFunction,
  createBatcher,
  createRecorder,
  prometheusText,
} from 'throughline/serve'
import { inferRoute } from './infer.ts'
import { budget, policy } from './policy.ts'

type Model = typeof import('../real-model/handler.ts')
const model = new URL('../real-model/handler.ts', import.meta.url)
/** How long answers may take to be read when the service closes. */
const LINGER_MS = 1000

export interface ServiceOptions extends Pick<BatcherOptions, 'batching' | 'servers' | 'queue'> {
  /** Serves batches in this process, in place of the real model on threads. */
  handler?: BatchFunction<Float32Array, number, undefined>
}

export interface Service {
  /** to listen, and to close: it then takes no more requests, and has answered those that it took when it is closed */
  app: FastifyInstance
  batcher: Batcher<Float32Array, number>
}

/** A service that tells speech from noise: resolves when the model is loaded, and rejects where it cannot be. */
export async function createService({ handler, ...asked }: ServiceOptions = {}): Promise<Service> {
  const batching = { ...policy, ...asked }
  const recorder = createRecorder({ name: 'infer', ...batching })
  const options = { ...batching, recorder }
  const batcher: Batcher<Float32Array, number> =
    handler === undefined ? createBatcher<Model>(model, options) : createBatcher(handler, options)
  await batcher.ready()

  const app = Fastify({ bodyLimit: 4096 })
  // a full queue, a wait that is too long and a batcher that closes are answered with 503, as errors of theirs say
  const infer = (frame: Float32Array, signal: AbortSignal) => batcher.run(frame, { signal })
  inferRoute(app, infer, () => batcher.admit())

  app.get('/metrics', (_request, reply) => {
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(prometheusText(recorder))
  })

  const report = createReportHandler(() => recorder.snapshot({ last: '5m' }), {
    title: 'Is somebody speaking?',
    refresh: '5s',
    budget,
  })
  app.get('/latency', (request, reply) => {
    reply.hijack()
    report(request.raw, reply.raw)
  })

  app.get('/health', async (_request, reply) => {
    try {
      // a server whose thread has died is not ready until it has another
      await batcher.ready()
      return { status: 'ready', waiting: batcher.waiting, inService: batcher.inService }
    } catch (error) {
      return reply.code(503).send({ status: 'not ready', why: (error as Error).message })
    }
  })

  app.addHook('preClose', (done) => {
    // those who wait are served while no more are let in, none of them waiting for a batch to fill
    const drained = batcher.close().catch(() => {})
    // a connection on which nothing was asked yet is not idle to Node, and would hold the server for minutes
    drained.then(() => setTimeout(() => app.server.closeAllConnections(), LINGER_MS).unref())
    done()
  })
  // who is answered meanwhile is not to keep the connection, for whose end the server waits
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (batcher.closed) reply.header('connection', 'close')
    done(null, payload)
  })
  // what went wrong in that is told where the service is closed
  app.addHook('onClose', () => batcher.close())
  return { app, batcher }
}
