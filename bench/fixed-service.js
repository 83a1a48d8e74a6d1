// A handler that takes 2 ms of processor time for a batch of any size.
export default (batch) => {
  const until = performance.now() + 2
  while (performance.now() < until);
  return batch
}
