/** The part of jstat that tests use as an independent implementation of distributions. */
declare module 'jstat' {
  const jstat: {
    exponential: { cdf(x: number, rate: number): number }
    normal: { cdf(x: number, mean: number, standardDeviation: number): number }
    gamma: { cdf(x: number, shape: number, scale: number): number }
    lognormal: { cdf(x: number, mu: number, sigma: number): number }
    chisquare: { cdf(x: number, degreesOfFreedom: number): number }
    studentt: { inv(probability: number, degreesOfFreedom: number): number }
    /** the regularized incomplete beta function, and its inverse */
    ibeta(x: number, a: number, b: number): number
    ibetainv(probability: number, a: number, b: number): number
  }
  export default jstat
}
