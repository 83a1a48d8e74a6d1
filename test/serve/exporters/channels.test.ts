import diagnostics from 'node:diagnostics_channel'
import { createRecorder } from 'throughline'
import { expect, it } from 'vitest'
import { VirtualClock } from '../virtual-clock.js'

it('tells on diagnostics_channel of batches, and of requests that were not answered', () => {
  const heard: unknown[] = []
  const names = ['batch', 'fail', 'reject', 'timeout', 'abort'].map((name) => `throughline:${name}`)
  const hear = (message: unknown, name: string | symbol) => heard.push([name, message])
  const clock = new VirtualClock(10)
  const recorder = createRecorder({ name: 'infer', clock: clock.read })
  const tell = () => {
    for (const due of [1, 2, 3, 4, 5]) recorder.arrived(due)
    recorder.batch(2, 0, 6, 7, 9)
    recorder.served(1)
    recorder.failed(2)
    recorder.rejected(3)
    recorder.timedOut(4)
    recorder.aborted(5)
    recorder.record(recorder.start())
  }
  tell()
  for (const name of names) diagnostics.subscribe(name, hear)
  tell()
  for (const name of names) diagnostics.unsubscribe(name, hear)
  tell()
  expect(heard).toEqual([
    ['throughline:batch', { name: 'infer', size: 2, idleMs: 0, leaveMs: 6, startMs: 7, endMs: 9 }],
    ['throughline:fail', { name: 'infer', dueMs: 2, atMs: 9 }],
    ['throughline:reject', { name: 'infer', dueMs: 3, atMs: 3 }],
    ['throughline:timeout', { name: 'infer', dueMs: 4, atMs: 10 }],
    ['throughline:abort', { name: 'infer', dueMs: 5, atMs: 10 }],
    ['throughline:batch', { name: 'infer', size: 1, idleMs: 10, leaveMs: 10, startMs: 10, endMs: 10 }],
  ])
})
