/** The 97.5 % quantiles of Student's t for 1 to 10 degrees of freedom. */
const TABLE = [12.7062, 4.30265, 3.18245, 2.77645, 2.57058, 2.44691, 2.36462, 2.306, 2.26216, 2.22814]
/** The same of the normal distribution. */
const Z = 1.959964

/**
 * Student's t at 97.5 %, which a two-sided 95 % interval takes: from a table up to 10 degrees of freedom, and beyond,
 * to four digits, by the expansion about the normal quantile (Abramowitz and Stegun 1964, 26.7.5).
 */
export function student975(freedom: number): number {
  const tabled = TABLE[freedom - 1]
  if (tabled !== undefined) return tabled
  const terms = [
    (Z ** 3 + Z) / 4,
    (5 * Z ** 5 + 16 * Z ** 3 + 3 * Z) / 96,
    (3 * Z ** 7 + 19 * Z ** 5 + 17 * Z ** 3 - 15 * Z) / 384,
  ]
  return terms.reduce((t, term, i) => t + term / freedom ** (i + 1), Z)
}
