const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/** A horizontal bar, to an eighth of a column. Any value above 0 is at least an eighth. */
export function drawBar(columns: number): string {
  if (!(columns > 0)) return ''
  const eighths = Math.max(1, Math.round(columns * 8))
  return '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]
}
