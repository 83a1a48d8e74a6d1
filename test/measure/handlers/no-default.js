export const run = (batch) => batch
