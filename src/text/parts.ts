import { bar } from './bar.js'
import { percentToTenth, threeDigits, time, timeUnit } from './number.js'
import { plain, type Style } from './style.js'

/** A part of a time, and what was happening meanwhile. */
export interface Part {
  name: string
  ms: number
  meaning: string
}

/** Where the time went: a mean time cut into its parts, each drawn from where the one before ends. */
export function renderParts(parts: Part[], meanMs: number, width: number, style: Style = plain): string {
  const unit = timeUnit([meanMs])
  const texts = parts.map(({ ms }) => `${threeDigits(ms / unit.ms)} ${unit.name}`)
  const room = Math.max(...texts.map((text) => text.length))
  const saying = Math.max(...parts.map(({ meaning }) => meaning.length))
  const columns = Math.min(50, width - 24 - room - saying)
  let before = 0
  const lines = parts.map(({ name, meaning, ms }, i) => {
    const fraction = meanMs === 0 ? 0 : ms / meanMs
    const from = Math.min(columns - 1, Math.round(columns * before))
    before += fraction
    // a part that ends within a column is drawn as a sliver of it
    const long = Math.max(Math.min(columns * before - from, columns * fraction), 1 / 8)
    const drawn = ' '.repeat(from) + style(name === 'service' ? 'green' : 'cyan', bar(long))
    const percentage = percentToTenth(fraction).padStart(7)
    return ` ${name.padEnd(8)}  ${(texts[i] as string).padStart(room)}  ${percentage}  ${style('dim', meaning.padEnd(saying))}  ${drawn}`.trimEnd()
  })
  return [style('bold', ` Where the time went, ${time(meanMs)} on average`), ...lines].join('\n')
}
