import type { FastifyInstance } from 'fastify'
import { decode, pcmSchema } from './pcm.ts'

/** How likely it is that a frame of sound holds speech. */
export type Infer = (frame: Float32Array, signal: AbortSignal) => Promise<number>

const schema = {
  body: { type: 'object', required: ['pcm'], properties: { pcm: pcmSchema } },
  response: { 200: { type: 'object', properties: { speech: { type: 'number' } } } },
}

/**
 * `POST /infer`: `{ pcm }` is answered with `{ speech }`. Who hangs up does not wait any more.
 *
 * @param admit throws where a request is not to be taken, before it is read: to read it takes longer than to refuse it
 */
export function inferRoute(app: FastifyInstance, infer: Infer, admit = () => {}): void {
  const onRequest = async () => admit()
  app.post<{ Body: { pcm: string } }>('/infer', { schema, onRequest }, async ({ body }, { raw }) => {
    // of a request with a body, Fastify's own signal is aborted when that has been read
    const gone = new AbortController()
    raw.once('close', () => {
      if (!raw.writableFinished) gone.abort()
    })
    return { speech: await infer(decode(body.pcm), gone.signal) }
  })
}
