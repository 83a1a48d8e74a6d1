let batches = 0
/** Throws on every third batch. */
export default (batch) => {
  if (++batches % 3 === 0) throw new Error('the third one')
  return batch
}
