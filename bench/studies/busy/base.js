import { work } from './work.js'

export default (batch) => batch.map(() => work(1_000_000))
