import { SEGMENTS } from '../result/recording.js'

/** The numbers that segments begin with, none twice. */
export function segmentsFrom(first: number, requests: number): number[] {
  const numbers = new Set(
    Array.from({ length: SEGMENTS }, (_, k) => Math.ceil(first + ((requests - first) * k) / SEGMENTS)),
  )
  return [...numbers]
}
