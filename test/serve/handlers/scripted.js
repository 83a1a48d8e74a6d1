import { threadId } from 'node:worker_threads'

/**
 * Does what the inputs of a batch say. Without `defineHandler`, whose package would take each thread four times as long to
 * load as the rest of its start.
 */
export default {
  setup: () => ({ factor: 2 }),
  input: (index) => index,
  async run(batch, { state, classes }) {
    if (batch.includes('exit')) process.exit(3)
    if (batch.includes('throw')) throw Object.assign(new RangeError('no model'), { code: 'E_MODEL' })
    if (batch.includes('throw elsewhere')) {
      setTimeout(() => {
        throw new Error('nobody caught this')
      })
      await new Promise(() => {})
    }
    if (batch.includes('block')) for (;;);
    if (batch.includes('few')) return []
    if (batch.includes('no array')) return 7
    return batch.map((each, i) => {
      if (each === 'class') return classes[i]
      if (each === 'bad item') return Object.assign(new RangeError('bad item'), { statusCode: 400 })
      if (each === 'unsendable') return () => 1
      if (each === 'thread') return threadId
      return Number(each) * state.factor
    })
  },
}
