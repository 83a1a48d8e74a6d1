import { createRequire } from 'node:module'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { defineHandler } from 'throughline'
import { frame, SAMPLES } from './frames.ts'

const model = createRequire(import.meta.url).resolve('@ricky0123/vad-web/dist/silero_vad_v5.onnx')
const sampleRate = new Tensor('int64', BigInt64Array.of(16_000n), [])
/** The network's memory of earlier sound: two layers of this size for each request. */
const MEMORY = 128

/** The frames that requests hold, in turn. */
const frames = Array.from({ length: 64 }, (_, seed) => frame(seed))

/**
 * Is somebody speaking? Silero's voice activity detector, a real network with a free batch dimension, on one thread.
 * A request is a frame of sound, its answer the probability that it holds speech.
 */
export default defineHandler({
  async setup() {
    // a server is one thread: what the runtime starts beside it would take the cores of the others
    const session = await InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1 })
    return { session, packed: pack(64) }
  },

  input: (index) => frames[index % frames.length] as Float32Array,

  async run(batch, { state }) {
    if (batch.length > state.packed.capacity) state.packed = pack(batch.length)
    // a server runs one batch at a time, so that one piece of memory will do for them all
    batch.forEach((frame, i) => {
      state.packed.samples.set(frame, i * SAMPLES)
    })
    const { output } = await state.session.run(state.packed.feeds(batch.length), ['output'])
    return Array.from(output?.data as Float32Array)
  },

  teardown: ({ session }) => session.release(),
})

/** Memory for batches of up to `capacity` requests, and the tensors that are views of it. */
function pack(capacity: number) {
  const samples = new Float32Array(capacity * SAMPLES)
  const silence = new Float32Array(2 * capacity * MEMORY)
  const made = new Map<number, InferenceSession.FeedsType>()
  const feeds = (size: number): InferenceSession.FeedsType => {
    const known = made.get(size)
    if (known !== undefined) return known
    const tensors = {
      input: new Tensor('float32', samples.subarray(0, size * SAMPLES), [size, SAMPLES]),
      state: new Tensor('float32', silence.subarray(0, 2 * size * MEMORY), [2, size, MEMORY]),
      sr: sampleRate,
    }
    made.set(size, tensors)
    return tensors
  }
  return { capacity, samples, feeds }
}
