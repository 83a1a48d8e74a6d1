const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/** A horizontal bar of so many columns, to an eighth of one; what is not nothing shows as a sliver at least. */
export function bar(columns: number): string {
  if (!(columns > 0)) return ''
  const eighths = Math.max(1, Math.round(columns * 8))
  return '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]
}
