/** Numbers in a fixed order, one a call, round and round. */
export const cycle = (values: number[]) => {
  let i = 0
  return () => values[i++ % values.length] as number
}
