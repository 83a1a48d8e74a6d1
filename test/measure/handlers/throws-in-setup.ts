import { defineHandler } from '../../../src/scenario/handler.js'

export default defineHandler({
  setup: () => {
    throw new Error('no such model')
  },
  run: (batch: number[]) => batch,
})
