/** Adds up values; 0 if there are none. */
export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

/** Adds up one number of each item. */
export const sumBy = <Item>(items: readonly Item[], numberOf: (item: Item) => number): number =>
  items.reduce((total, item) => total + numberOf(item), 0)

/** The arithmetic mean; NaN if there are no values. */
export const mean = (values: readonly number[]): number => sum(values) / values.length

/** The value, or null if it is infinite or NaN. */
export const finiteOrNull = (value: number): number | null => (Number.isFinite(value) ? value : null)

/** The middle value, or the mean of the two in the middle; NaN if there are no values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return mean([sorted[Math.floor(middle)] ?? Number.NaN, sorted[Math.ceil(middle)] ?? Number.NaN])
}
