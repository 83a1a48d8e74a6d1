let batches = 0
let aborted = 0
/** Every fifth batch is never answered; the others are, but only if the signal was aborted for those before. */
export default async (batch, { signal }) => {
  batches++
  if (batches % 5 === 0) {
    signal.addEventListener('abort', () => {
      aborted++
    })
    return new Promise(() => {})
  }
  const expected = Math.floor(batches / 5)
  return aborted === expected ? batch : batch.map(() => new Error(`${aborted} of ${expected} were aborted`))
}
