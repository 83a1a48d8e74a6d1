/** Answers each request with its own number. */
export default (batch) => batch
