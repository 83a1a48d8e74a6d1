import { describe, expect, it } from 'vitest'
import { Exits, exitsLength } from '../../src/measure/exits.js'
import { Marks } from '../../src/measure/marks.js'
import { AHEAD_NS, Window } from '../../src/measure/window.js'

/** The marks of a loop that stops by requests, and a server that lets requests go on another thread. */
function beside() {
  const never = Number.POSITIVE_INFINITY
  const stop = { requests: 100, ns: never }
  const segments = [0, 50].map((first) => ({ startNs: never, first }))
  const window = Window.of({ stop, startNs: never, endNs: never, lastNs: never, segments })
  const exits = new Exits(new Float64Array(exitsLength(segments.length)))
  let now = 0
  /** what others do before this thread goes on from its next reading of the clock */
  const aside = { meanwhile: () => {} }
  const clock = () => {
    const readNs = now
    now += 50
    const { meanwhile } = aside
    aside.meanwhile = () => {}
    meanwhile()
    return readNs
  }
  const leave = (dueNs: number, atNs: number) => {
    now = Math.max(now, atNs)
    exits.leave(window, atNs, Float64Array.of(dueNs), 1)
  }
  return { window, exits, leave, aside, marks: new Marks(window, stop, clock) }
}

describe('a moment that all threads are to go by', () => {
  it('is soon, and not now', () => {
    const { window, marks } = beside()
    marks.reach(0, 0)
    expect(window.startNs).toBe(AHEAD_NS)
  })

  it('is set anew where others have passed it while the generator was put off', () => {
    const { window, exits, leave, marks, aside } = beside()
    // one leaves before it knows of the window, and one after that
    aside.meanwhile = () => leave(0, 5 * AHEAD_NS)
    marks.reach(0, 0)
    expect(window.startNs).toBeGreaterThan(5 * AHEAD_NS)
    expect([exits.before(0), exits.staysNs]).toEqual([1, 0])

    aside.meanwhile = () => leave(0, 9 * AHEAD_NS)
    marks.reach(50, 0)
    expect(window.segmentStartNs(1)).toBeGreaterThan(9 * AHEAD_NS)
    expect([exits.before(0), exits.before(1)]).toEqual([1, 2])

    aside.meanwhile = () => leave(0, 13 * AHEAD_NS)
    marks.end(0)
    expect(window.endNs).toBeGreaterThan(13 * AHEAD_NS)
    leave(0, 20 * AHEAD_NS)
    const { startNs, endNs } = window
    const stays = [9 * AHEAD_NS, 13 * AHEAD_NS, endNs].map((ns) => ns - startNs)
    expect(exits.staysNs).toBe(stays.reduce((sum, each) => sum + each, 0))
    expect(exits.departed.count).toBe(2)
  })
})
