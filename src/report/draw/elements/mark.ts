import { attributes, type Content, type Markup, markup } from '../../markup.js'

/** A figure with its bounds; an unknown bound is null, with the reason. */
export interface Bounded {
  value: number
  low: number | null
  high: number | null
  reason?: string | undefined
}

/** A drawn element with a tooltip, and its exact figures as `data-` attributes. */
export interface Mark {
  text: string
  class?: string | undefined
  data: Record<string, string | number | null | undefined>
}

/** Wraps drawn content in a mark. */
export function drawMark({ text, class: name, data }: Mark, drawn: Content): Markup {
  const exact = Object.fromEntries(Object.entries(data).map(([key, value]) => [`data-${key}`, value]))
  return markup`<g class="mark${name === undefined ? '' : ` ${name}`}"${attributes(exact)}><title>${text}</title>${drawn}</g>`
}

/** Draws a whisker between two bounds, with an arrow head for an unknown bound; null if both are unknown. */
export function drawWhisker(x: number, lowY: number | null, highY: number | null, y: number): Markup | null {
  if (lowY === null && highY === null) return null
  const at = (value: number) => Number(value.toFixed(1))
  const end = (to: number | null, away: 1 | -1) =>
    to === null ? `M${at(x - 3)} ${at(y + away * 9)}l3 ${away * 4}l3 ${-away * 4}` : `M${at(x - 3)} ${at(to)}h6`
  const from = lowY ?? y + 13
  const to = highY ?? y - 13
  return markup`<path class="whisker" d="M${at(x)} ${at(from)}V${at(to)}${end(lowY, 1)}${end(highY, -1)}"/>`
}

export type Dot = 'full' | 'open' | 'crossed'

/** Draws a point, with a larger invisible circle around it as the pointer target. `crossed` marks an invalid run. */
export function drawDot(x: number, y: number, kind: Dot): Markup {
  const [cx, cy] = [Number(x.toFixed(1)), Number(y.toFixed(1))]
  const hit = markup`<circle class="hit" cx="${cx}" cy="${cy}" r="9"/>`
  if (kind !== 'crossed')
    return markup`<circle class="dot ${kind}" cx="${cx}" cy="${cy}" r="${kind === 'open' ? 3.2 : 4}"/>${hit}`
  return markup`<circle class="dot open" cx="${cx}" cy="${cy}" r="4"/><path class="cross" d="M${cx - 5} ${cy + 5}l10 -10"/>${hit}`
}
