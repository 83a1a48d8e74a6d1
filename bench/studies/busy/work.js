/** Runs a number of steps of arithmetic: about 1 ms for a million on a fast machine. */
export function work(steps) {
  let x = 1
  for (let i = 0; i < steps; i++) x = (Math.imul(x, 31) + i) | 0
  return x
}
