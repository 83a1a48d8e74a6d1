import { defineHandler } from 'throughline'

export default defineHandler({ run: (batch: number[]) => batch.map((each) => 2 * each) })
