/** Ends its thread at request 200, in the way that the environment names. */
export default async (batch) => {
  if (!batch.includes(200)) return batch
  switch (process.env.THROUGHLINE_TEST_DEATH) {
    case 'exit':
      return process.exit(3)
    case 'block':
      for (;;);
    case 'reject':
      Promise.reject(new Error('nobody caught this'))
      break
    case 'throw':
      setTimeout(() => {
        throw new Error('thrown from a timer')
      }, 0)
      break
    case 'memory': {
      const kept = []
      for (;;) kept.push(new Array(1000).fill(0.5))
    }
  }
  await new Promise((resolve) => setTimeout(resolve, 10_000))
  return batch
}
