/** Returns an output too few. */
export default (batch: number[]): number[] => batch.slice(1)
