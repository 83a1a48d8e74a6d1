import { work } from './work.js'

/** About 2 ms a request. */
export default (batch) => batch.map(() => work(1_200_000))
