import model from '../../../examples/real-model/handler.ts'

const { setup, run } = model as Required<typeof model>
const state = setup()
const { signal } = new AbortController()

/** A piscina task: runs the real model of the examples on one frame of sound. */
export default async (frame: Float32Array): Promise<number> => {
  const [speech] = await run([frame], { state: await state, signal, first() {}, next() {} })
  return speech as number
}
