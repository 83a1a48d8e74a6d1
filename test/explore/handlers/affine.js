/** Keeps its thread busy for 1 ms, and for 0.2 ms more for each request. */
export default (batch) => {
  const until = performance.now() + 1 + 0.2 * batch.length
  while (performance.now() < until);
  return batch
}
