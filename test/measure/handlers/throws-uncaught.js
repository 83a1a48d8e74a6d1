let batches = 0

export default {
  run: async (batch) => {
    if (batches++ === 4) {
      queueMicrotask(() => {
        throw new Error('thrown in a microtask')
      })
    }
    return batch
  },
}
