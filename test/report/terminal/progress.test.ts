import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { progressOn } from '../../../src/report/terminal/progress.js'

function stage(terminal: boolean) {
  let now = 0
  const stream = Object.assign(new PassThrough(), terminal ? { isTTY: true, columns: 60 } : {})
  const progress = progressOn(stream, () => now)
  return {
    /** an update at this time: what it writes */
    at(ms: number, fraction: number, text: string): string {
      now = ms
      progress.update(fraction, text)
      return String(stream.read() ?? '')
    },
    end(): string {
      progress.end()
      return String(stream.read() ?? '')
    },
  }
}

describe('progress on a terminal', () => {
  it('rewrites one line, and clears it', () => {
    const { at, end } = stage(true)
    expect(at(500, 0.5, 'half')).toMatch(/^\r.*██████████.* 50 % half, 1 s left$/)
    expect(at(501, 0.51, 'too soon')).toBe('')
    expect(at(600, 0.6, 'more')).toContain('60 % more')
    expect(end()).toBe('\r\u001b[K')
    expect(end()).toBe('')
  })

  it('shows nothing for a short run', () => {
    const { at, end } = stage(true)
    expect(at(10, 0.5, 'half')).toBe('')
    expect(end()).toBe('')
  })

  it('fits the width of the terminal', () => {
    const { at } = stage(true)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours and the clearing of the line take no room
    const visible = at(500, 0.25, 'x'.repeat(500)).replace(/\r|\u001b\[\d*[mK]/g, '')
    expect(visible.length).toBeLessThanOrEqual(60)
  })
})

describe('progress elsewhere', () => {
  it('is a plain line now and then', () => {
    const { at, end } = stage(false)
    expect(at(100, 0.01, 'early')).toBe('')
    expect(at(5000, 0.25, 'a quarter')).toBe('25 % a quarter, 15 s left\n')
    expect(at(6000, 0.3, 'too soon')).toBe('')
    expect(at(10_000, 0.5, 'half')).toBe('50 % half, 10 s left\n')
    expect(end()).toBe('')
  })
})

describe('the time that is left', () => {
  it('is estimated from the time taken and the fraction done', () => {
    expect(stage(true).at(10_000, 0.25, 'run')).toContain('25 % run, 30 s left')
    expect(stage(true).at(60_000, 0.05, 'run')).toContain(', 19 min left')
    // nothing is known at first, and nothing is left at the end
    expect(stage(true).at(500, 0.01, 'run')).not.toContain('left')
    expect(stage(true).at(500, 1, 'run')).not.toContain('left')
  })
})
