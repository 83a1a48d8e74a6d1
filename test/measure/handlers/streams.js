import { setTimeout } from 'node:timers/promises'

/** Begins the responses to all of its requests, and sends one more event to all after a pause, and to the first after another. */
export default async (batch, { first, next }) => {
  first()
  await setTimeout(11)
  next()
  await setTimeout(11)
  next(0)
  return batch
}
