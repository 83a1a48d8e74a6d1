const COLOURS = ['p90', 'p99', 'p50', 'p95', 'p999'] as const

/** Selects the line style of the i-th run: five colours, then the same five dashed. */
export function runClass(i: number): { name: string; dashed: boolean } {
  return { name: `s-${COLOURS[i % COLOURS.length]}`, dashed: Math.floor(i / COLOURS.length) % 2 === 1 }
}
