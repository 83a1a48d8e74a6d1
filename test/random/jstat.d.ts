/** The part of jstat that tests use as an independent implementation of distributions. */
declare module 'jstat' {
  export const jStat: {
    exponential: { cdf(x: number, rate: number): number }
    normal: { cdf(x: number, mean: number, standardDeviation: number): number }
    gamma: { cdf(x: number, shape: number, scale: number): number }
    lognormal: { cdf(x: number, mu: number, sigma: number): number }
    chisquare: { cdf(x: number, degreesOfFreedom: number): number }
  }
}
