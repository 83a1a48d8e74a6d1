import { createRequire } from 'node:module'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { defineHandler } from 'throughline'
import { frame, SAMPLES } from './frames.ts'

const model = createRequire(import.meta.url).resolve('@ricky0123/vad-web/dist/silero_vad_v5.onnx')
const sampleRate = new Tensor('int64', BigInt64Array.of(16_000n), [])
/** Size of the network's state of earlier sound: two layers of this size for each request. */
const MEMORY = 128

/** The frames of the requests, in turn. */
const frames = Array.from({ length: 64 }, (_, seed) => frame(seed))

/**
 * Silero's voice activity detector, a neural network with a variable batch size, on one thread. A request is a frame of
 * sound; the output is the probability that it holds speech.
 */
export default defineHandler({
  async setup() {
    // more threads of the runtime would take the cores of other servers
    const session = await InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1 })
    return { session, buffers: allocate(64) }
  },

  input: (index) => frames[index % frames.length] as Float32Array,

  async run(batch, { state }) {
    if (batch.length > state.buffers.capacity) state.buffers = allocate(batch.length)
    // a server runs one batch at a time, so all batches use the same memory
    batch.forEach((frame, i) => {
      state.buffers.samples.set(frame, i * SAMPLES)
    })
    const { output } = await state.session.run(state.buffers.feeds(batch.length), ['output'])
    return Array.from(output?.data as Float32Array)
  },

  teardown: ({ session }) => session.release(),
})

/** Allocates memory for batches of up to `capacity` requests, and tensors as views of it. */
function allocate(capacity: number) {
  const samples = new Float32Array(capacity * SAMPLES)
  const silence = new Float32Array(2 * capacity * MEMORY)
  const cached = new Map<number, InferenceSession.FeedsType>()
  const feeds = (size: number): InferenceSession.FeedsType => {
    const known = cached.get(size)
    if (known !== undefined) return known
    const tensors = {
      input: new Tensor('float32', samples.subarray(0, size * SAMPLES), [size, SAMPLES]),
      state: new Tensor('float32', silence.subarray(0, 2 * size * MEMORY), [2, size, MEMORY]),
      sr: sampleRate,
    }
    cached.set(size, tensors)
    return tensors
  }
  return { capacity, samples, feeds }
}
