/** Creates a function that returns the values in turn, over and over. */
export const cycle = (values: number[]) => {
  let i = 0
  return () => values[i++ % values.length] as number
}
