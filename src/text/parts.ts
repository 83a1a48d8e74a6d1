import { drawBar } from './bar.js'
import { percentToTenth, threeDigits, time, timeUnit } from './number.js'
import { plain, type Style } from './style.js'

/** A part of a mean time. */
export interface LatencyPart {
  name: string
  ms: number
  meaning: string
}

/** Renders the parts of a mean time as a waterfall: each bar starts where the one before ends. */
export function renderParts(parts: LatencyPart[], meanMs: number, width: number, style: Style = plain): string {
  const unit = timeUnit([meanMs])
  const texts = parts.map(({ ms }) => `${threeDigits(ms / unit.ms)} ${unit.name}`)
  const timeWidth = Math.max(...texts.map((text) => text.length))
  const meaningWidth = Math.max(...parts.map(({ meaning }) => meaning.length))
  const columns = Math.min(50, width - 24 - timeWidth - meaningWidth)
  let before = 0
  const lines = parts.map(({ name, meaning, ms }, i) => {
    const fraction = meanMs === 0 ? 0 : ms / meanMs
    const from = Math.min(columns - 1, Math.round(columns * before))
    before += fraction
    // even a tiny part is at least an eighth of a column
    const length = Math.max(Math.min(columns * before - from, columns * fraction), 1 / 8)
    const drawn = ' '.repeat(from) + style(name === 'service' ? 'green' : 'cyan', drawBar(length))
    const percentage = percentToTenth(fraction).padStart(7)
    return ` ${name.padEnd(8)}  ${(texts[i] as string).padStart(timeWidth)}  ${percentage}  ${style('dim', meaning.padEnd(meaningWidth))}  ${drawn}`.trimEnd()
  })
  return [style('bold', ` Where the time went, ${time(meanMs)} on average`), ...lines].join('\n')
}
