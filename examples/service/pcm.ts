import { SAMPLES } from '../real-model/frames.ts'

const BYTES = 2 * SAMPLES
const FULL_SCALE = 2 ** 15

/** The JSON Schema of a frame of sound as text: base64 of its samples, 16 bits each, the low byte first. */
export const pcmSchema = { type: 'string', pattern: `^[A-Za-z0-9+/]{${Math.ceil((4 * BYTES) / 3)}}==$` }

export function encode(frame: Float32Array): string {
  const bytes = Buffer.alloc(BYTES)
  frame.forEach((sample, i) => {
    bytes.writeInt16LE(Math.max(-FULL_SCALE, Math.min(FULL_SCALE - 1, Math.round(sample * FULL_SCALE))), 2 * i)
  })
  return bytes.toString('base64')
}

export function decode(pcm: string): Float32Array {
  const bytes = Buffer.from(pcm, 'base64')
  const frame = new Float32Array(SAMPLES)
  for (let i = 0; i < SAMPLES; i++) frame[i] = bytes.readInt16LE(2 * i) / FULL_SCALE
  return frame
}
