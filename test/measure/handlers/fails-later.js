/** Answers, and then throws where nobody can catch it. */
export default (batch) => {
  setTimeout(() => {
    throw new Error('thrown from a timer')
  }, 1)
  return batch
}
