/** The greatest distance between a sample's distribution and a law's, times the root of the sample's size. */
export function kolmogorovSmirnov(sample: number[], law: (x: number) => number): number {
  const sorted = [...sample].sort((a, b) => a - b)
  const n = sorted.length
  let greatest = 0
  sorted.forEach((x, i) => {
    const expected = law(x)
    greatest = Math.max(greatest, expected - i / n, (i + 1) / n - expected)
  })
  return greatest * Math.sqrt(n)
}

/** What it exceeds with a probability of 0.1 % where the sample is of the law (Kolmogorov's distribution). */
export const CRITICAL = 1.95
