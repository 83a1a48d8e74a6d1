export const run = (batch: number[]): number[] => batch
