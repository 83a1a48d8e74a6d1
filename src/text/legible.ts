// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this file makes visible
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f]/g
/** C1 controls, which a terminal may interpret, and bidirectional controls, which reorder the text after them. */
const INVISIBLE = /[\u0080-\u009f\u202a-\u202e\u2066-\u2069]/g

/** The Unicode symbol of a control character. */
export const symbolOf = (control: string) =>
  control === '\u007f' ? '␡' : String.fromCharCode(0x2400 + control.charCodeAt(0))

/** Replaces control characters by their symbols, so that a text cannot control the terminal. */
function makeTextLegible(text: string): string {
  return text.replace(CONTROLS, symbolOf).replace(INVISIBLE, '\ufffd')
}

/** Replaces control characters in all strings of plain data, including keys. */
export function makeLegible<T>(value: T): T {
  if (typeof value === 'string') return makeTextLegible(value) as T
  if (Array.isArray(value)) return value.map(makeLegible) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [makeTextLegible(key), makeLegible(each)])) as T
}
