import type { FastifyInstance } from 'fastify'
import { decode, pcmSchema } from './pcm.ts'

/** How likely it is that a frame of sound holds speech. */
export type Infer = (frame: Float32Array, signal: AbortSignal) => Promise<number>

const schema = {
  body: { type: 'object', required: ['pcm'], properties: { pcm: pcmSchema } },
  response: { 200: { type: 'object', properties: { speech: { type: 'number' } } } },
}

/** `POST /infer`: `{ pcm }` is answered with `{ speech }`. Who hangs up does not wait any more. */
export function inferRoute(app: FastifyInstance, infer: Infer): void {
  app.post<{ Body: { pcm: string } }>('/infer', { schema }, async ({ body }, reply) => {
    // of a request with a body, Fastify's own signal is aborted when that has been read
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    return { speech: await infer(decode(body.pcm), gone.signal) }
  })
}
