export default (batch) => {
  console.log('a batch')
  return batch
}
