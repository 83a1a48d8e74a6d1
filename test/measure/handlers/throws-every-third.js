let batches = 0
export default (batch) => {
  if (++batches % 3 === 0) throw new Error(`batch ${batches} is one too many`)
  return batch
}
