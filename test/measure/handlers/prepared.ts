import { readFile } from 'node:fs/promises'
import { defineHandler } from '../../../src/scenario/handler.js'

// a module may await before it exports
const self = await readFile(new URL(import.meta.url), 'utf8')

/** Fails every request that does not find what setup and input have made for it. */
export default defineHandler({
  setup: async () => ({ lines: self.split('\n').length }),
  input: (index) => ({ index, square: index * index }),
  inputs: 10,
  run: (batch, { state }) =>
    batch.map(({ index, square }) =>
      index < 10 && square === index ** 2 && state.lines > 10
        ? index
        : new Error(`request ${index} is not as prepared`),
    ),
  teardown: (state) => {
    throw new Error(`torn down with ${state.lines > 10 ? 'its state' : 'nothing'}`)
  },
})
