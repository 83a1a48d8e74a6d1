/** The logarithm of the gamma function to 15 digits, by Lanczos's approximation (Numerical Recipes, 6.1). */
function logGamma(x: number): number {
  let series = LANCZOS[0] as number
  for (let i = 1; i < LANCZOS.length; i++) series += (LANCZOS[i] as number) / (x + i - 1)
  const base = x + 6.5
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(base) - base + Math.log(series)
}
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
]

/** The regularised incomplete beta function, by its continued fraction (Numerical Recipes, 6.4). */
export function betaCdf(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  // the continued fraction converges fast below the mean
  if (x > (a + 1) / (a + b + 2)) return 1 - betaCdf(1 - x, b, a)
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x))
  const TINY = 1e-300
  let c = 1
  let d = 1 / (1 - ((a + b) * x) / (a + 1) || TINY)
  let fraction = d
  for (let m = 1; m < 100_000; m++) {
    for (const term of [
      (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)),
      (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1)),
    ]) {
      d = 1 / (1 + term * d || TINY)
      c = 1 + term / c || TINY
      fraction *= d * c
    }
    if (Math.abs(d * c - 1) < 1e-14) break
  }
  return (front * fraction) / a
}

/** The quantile of a beta distribution, by bisection, to 14 digits. */
export function betaQuantile(fraction: number, a: number, b: number): number {
  let low = 0
  let high = 1
  for (let i = 0; i < 100 && high - low > 1e-14 * high; i++) {
    const middle = (low + high) / 2
    if (betaCdf(middle, a, b) < fraction) low = middle
    else high = middle
  }
  return (low + high) / 2
}
