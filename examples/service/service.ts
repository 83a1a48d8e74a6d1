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
/** How long clients may take to read their responses when the service closes. */
const LINGER_MS = 1000

export interface ServiceOptions extends Pick<BatcherOptions, 'batching' | 'servers' | 'queue'> {
  /** Serves batches in this process, in place of the real model on threads. */
  handler?: BatchFunction<Float32Array, number, undefined>
}

export interface Service {
  /** listens and closes: when it has closed, all requests that it accepted are answered */
  app: FastifyInstance
  batcher: Batcher<Float32Array, number>
}

/** Creates a service that tells speech from noise. Resolves when the model is loaded; rejects if it cannot be loaded. */
export async function createService({ handler, ...asked }: ServiceOptions = {}): Promise<Service> {
  const batching = { ...policy, ...asked }
  const recorder = createRecorder({ name: 'infer', ...batching })
  const options = { ...batching, recorder }
  const batcher: Batcher<Float32Array, number> =
    handler === undefined ? createBatcher<Model>(model, options) : createBatcher(handler, options)
  await batcher.ready()

  const app = Fastify({ bodyLimit: 4096 })
  // Fastify responds with the statusCode of the error: 503 if the queue is full, a call times out or the batcher closes
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
      // a server whose thread has exited is not ready until it is replaced
      await batcher.ready()
      return { status: 'ready', waiting: batcher.waiting, inService: batcher.inService }
    } catch (error) {
      return reply.code(503).send({ status: 'not ready', why: (error as Error).message })
    }
  })

  app.addHook('preClose', (done) => {
    // serves the calls that wait, without waiting for batches to fill, and takes no more
    const drained = batcher.close().catch(() => {})
    // Node does not count a connection without a request as idle: it would keep the server open for minutes
    drained.then(() => setTimeout(() => app.server.closeAllConnections(), LINGER_MS).unref())
    done()
  })
  // responses sent while closing end their connection, since the server waits for all connections
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (batcher.closed) reply.header('connection', 'close')
    done(null, payload)
  })
  // app.close() rejects with what a teardown threw
  app.addHook('onClose', () => batcher.close())
  return { app, batcher }
}
