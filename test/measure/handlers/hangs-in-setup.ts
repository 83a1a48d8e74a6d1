import { defineHandler } from '../../../src/measure/handler.js'

export default defineHandler({
  setup: () => new Promise<void>(() => {}),
  run: (batch: number[]) => batch,
})
