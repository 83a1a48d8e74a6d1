// takes 0.1 ms a batch
export default (batch) => {
  const until = performance.now() + 0.1
  while (performance.now() < until);
  return batch
}
