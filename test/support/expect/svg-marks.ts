/** A mark of an SVG: its tooltip, its exact values from its data- attributes, and its position. */
export interface DrawnMark {
  says: string
  data: Record<string, string>
  /** the position of its point */
  x: number
  y: number
}

/** Reads the marks of an SVG or a page, in order. */
export function marksOf(svg: string): DrawnMark[] {
  return [...svg.matchAll(/<g class="mark[^"]*"([^>]*)><title>([^<]*)<\/title>(.*?)<\/g>/gs)].map((match) => {
    const [, attributes = '', says = '', drawn = ''] = match
    const data = Object.fromEntries([...attributes.matchAll(/data-([a-z]+)="([^"]*)"/g)].map(([, k, v]) => [k, v]))
    const at = /<circle class="dot[^"]*" cx="([^"]+)" cy="([^"]+)"/.exec(drawn)
    return { says, data, x: Number(at?.[1]), y: Number(at?.[2]) }
  })
}
