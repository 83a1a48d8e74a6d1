const COLOURS = ['p90', 'p99', 'p50', 'p95', 'p999'] as const

/** How each of several runs is told from the others: five colours, and then the same dashed. */
export function runClass(i: number): { name: string; dashed: boolean } {
  return { name: `s-${COLOURS[i % COLOURS.length]}`, dashed: Math.floor(i / COLOURS.length) % 2 === 1 }
}
