import { setTimeout } from 'node:timers/promises'

let late = () => {}

/** Marks the first of its requests at once, the rest 10 ms later, and the end 10 ms after that; later marks are ignored. */
export default async (batch, { first }) => {
  late()
  first(0)
  await setTimeout(11)
  first()
  await setTimeout(11)
  late = first
  return batch
}
