import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

it('leaves nothing behind: the process ends by itself, whether a run succeeds, fails or is aborted', {
  timeout: 120_000,
}, async () => {
  const script = fileURLToPath(new URL('../support/processes/open-handles.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script], { timeout: 110_000 })
  expect(stdout.split('\n')).toEqual([
    ...['ok', 'ok', 'AbortError', 'MeasureError', 'AbortError', 'MeasureError'],
    // threads that end: of all servers, and of one of two
    ...['MeasureError', 'ok', 'ok'],
    // in this process, and over HTTP
    ...['ok', 'ok', 'MeasureError', 'AbortError', 'ok', 'MeasureError'],
    'left: none',
    '',
  ])
})
