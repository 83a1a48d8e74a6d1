import { attributes, type Content, type Markup, markup } from '../markup.js'

/** A figure, and between which values it lies; a bound that is not known is null, for a reason. */
export interface Bounded {
  value: number
  low: number | null
  high: number | null
  reason?: string | undefined
}

/** One thing drawn that can be pointed at: what it says, and the exact figures that it stands for. */
export interface Mark {
  says: string
  class?: string | undefined
  data: Record<string, string | number | null | undefined>
}

/** A mark around what is drawn. */
export function mark({ says, class: name, data }: Mark, drawn: Content): Markup {
  const exact = Object.fromEntries(Object.entries(data).map(([key, value]) => [`data-${key}`, value]))
  return markup`<g class="mark${name === undefined ? '' : ` ${name}`}"${attributes(exact)}><title>${says}</title>${drawn}</g>`
}

/** A line from the one end to the other with a stroke across at each; an end that is not known has an arrow's head. */
export function whisker(x: number, lowY: number | null, highY: number | null, y: number): Markup | null {
  if (lowY === null && highY === null) return null
  const at = (value: number) => Number(value.toFixed(1))
  const end = (to: number | null, away: 1 | -1) =>
    to === null ? `M${at(x - 3)} ${at(y + away * 9)}l3 ${away * 4}l3 ${-away * 4}` : `M${at(x - 3)} ${at(to)}h6`
  const from = lowY ?? y + 13
  const to = highY ?? y - 13
  return markup`<path class="whisker" d="M${at(x)} ${at(from)}V${at(to)}${end(lowY, 1)}${end(highY, -1)}"/>`
}

export type Dot = 'full' | 'open' | 'crossed'

/** A point, with a larger invisible circle around it as the pointer target. `crossed` marks an invalid run. */
export function dot(x: number, y: number, kind: Dot): Markup {
  const [cx, cy] = [Number(x.toFixed(1)), Number(y.toFixed(1))]
  const hit = markup`<circle class="hit" cx="${cx}" cy="${cy}" r="9"/>`
  if (kind !== 'crossed')
    return markup`<circle class="dot ${kind}" cx="${cx}" cy="${cy}" r="${kind === 'open' ? 3.2 : 4}"/>${hit}`
  return markup`<circle class="dot open" cx="${cx}" cy="${cy}" r="4"/><path class="cross" d="M${cx - 5} ${cy + 5}l10 -10"/>${hit}`
}
