import type { FastifyInstance } from 'fastify'
import { decode, pcmSchema } from './pcm.ts'

/** Returns the probability that a frame of sound holds speech. */
export type Infer = (frame: Float32Array, signal: AbortSignal) => Promise<number>

const schema = {
  body: { type: 'object', required: ['pcm'], properties: { pcm: pcmSchema } },
  response: { 200: { type: 'object', properties: { speech: { type: 'number' } } } },
}

/**
 * `POST /infer`: responds to `{ pcm }` with `{ speech }`. A call is aborted when its client hangs up.
 *
 * @param admit throws if a request is to be refused; called before it is read, since reading takes longer than refusing
 */
export function inferRoute(app: FastifyInstance, infer: Infer, admit = () => {}): void {
  const onRequest = async () => admit()
  app.post<{ Body: { pcm: string } }>('/infer', { schema, onRequest }, async ({ body }, { raw }) => {
    // Fastify's own signal is aborted as soon as a body has been read
    const gone = new AbortController()
    raw.once('close', () => {
      if (!raw.writableFinished) gone.abort()
    })
    return { speech: await infer(decode(body.pcm), gone.signal) }
  })
}
