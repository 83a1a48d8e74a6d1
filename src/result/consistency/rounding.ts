/** A figure that another one contradicts, and what it must be. */
export type Contradiction = [path: string, message: string]

/** The relative rounding error of figures that are computed from the same counts in another order. */
export const ROUNDING = 1e-9

/** Compares figures that are computed from the same counts. */
export const same = (a: number, b: number) => Math.abs(a - b) <= ROUNDING * Math.max(Math.abs(a), Math.abs(b))

/** Compares means of nanoseconds: to a millionth, or a nanosecond. */
export const isAbout = (a: number, b: number) => Math.abs(a - b) <= 1e-6 * (1 + Math.max(Math.abs(a), Math.abs(b)))
