import diagnostics from 'node:diagnostics_channel'
import { createRecorder } from 'throughline'
import { expect, it } from 'vitest'
import { VirtualClock } from '../virtual-clock.js'

it('batches, and requests that were not answered, are published on diagnostics_channel', () => {
  const received: unknown[] = []
  const names = ['batch', 'fail', 'reject', 'timeout', 'abort'].map((name) => `throughline:${name}`)
  const onMessage = (message: unknown, name: string | symbol) => received.push([name, message])
  const clock = new VirtualClock(10)
  const recorder = createRecorder({ name: 'infer', clock: clock.read })
  const notify = () => {
    for (const due of [1, 2, 3, 4, 5]) recorder.arrived(due)
    recorder.batch(2, 0, 6, 7, 9)
    recorder.served(1)
    recorder.failed(2)
    recorder.rejected(3)
    recorder.timedOut(4)
    recorder.aborted(5)
    recorder.record(recorder.start())
  }
  notify()
  for (const name of names) diagnostics.subscribe(name, onMessage)
  notify()
  for (const name of names) diagnostics.unsubscribe(name, onMessage)
  notify()
  expect(received).toEqual([
    ['throughline:batch', { name: 'infer', size: 2, idleMs: 0, leaveMs: 6, startMs: 7, endMs: 9 }],
    ['throughline:fail', { name: 'infer', dueMs: 2, atMs: 9 }],
    ['throughline:reject', { name: 'infer', dueMs: 3, atMs: 3 }],
    ['throughline:timeout', { name: 'infer', dueMs: 4, atMs: 10 }],
    ['throughline:abort', { name: 'infer', dueMs: 5, atMs: 10 }],
    ['throughline:batch', { name: 'infer', size: 1, idleMs: 10, leaveMs: 10, startMs: 10, endMs: 10 }],
  ])
})

it('have the class of a request, and the kind of its failure', () => {
  const received: unknown[] = []
  const onMessage = (message: unknown) => received.push(message)
  const clock = new VirtualClock(10)
  const recorder = createRecorder({ name: 'shop', clock: clock.read, classes: ['checkout', 'browse'] })
  const names = ['fail', 'reject'].map((name) => `throughline:${name}`)
  for (const name of names) diagnostics.subscribe(name, onMessage)
  const checkouts = recorder.class('checkout')
  checkouts.fail(checkouts.start(), new RangeError('too far'))
  recorder.arrived(10, 'browse')
  recorder.rejected(10, 'browse')
  for (const name of names) diagnostics.unsubscribe(name, onMessage)
  expect(received).toEqual([
    { name: 'shop', dueMs: 10, atMs: 10, class: 'checkout', kind: 'RangeError' },
    { name: 'shop', dueMs: 10, atMs: 10, class: 'browse' },
  ])
})
