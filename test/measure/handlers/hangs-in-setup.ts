import { defineHandler } from '../../../src/scenario/handler.js'

export default defineHandler({
  setup: () => new Promise<void>(() => {}),
  run: (batch: number[]) => batch,
})
