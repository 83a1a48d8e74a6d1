/** What is drawn for each figure: its exact values, as the SVG has them in data- attributes. */
export interface DrawnMark {
  says: string
  data: Record<string, string>
  /** where its point stands */
  x: number
  y: number
}

/** The marks of an SVG or a page, in order. */
export function marksOf(svg: string): DrawnMark[] {
  return [...svg.matchAll(/<g class="mark[^"]*"([^>]*)><title>([^<]*)<\/title>(.*?)<\/g>/gs)].map((match) => {
    const [, attributes = '', says = '', drawn = ''] = match
    const data = Object.fromEntries([...attributes.matchAll(/data-([a-z]+)="([^"]*)"/g)].map(([, k, v]) => [k, v]))
    const at = /<circle class="dot[^"]*" cx="([^"]+)" cy="([^"]+)"/.exec(drawn)
    return { says, data, x: Number(at?.[1]), y: Number(at?.[2]) }
  })
}
