/** So many steps of arithmetic: about a millisecond for a million, and longer where the machine is slower. */
export function work(steps) {
  let x = 1
  for (let i = 0; i < steps; i++) x = (Math.imul(x, 31) + i) | 0
  return x
}
