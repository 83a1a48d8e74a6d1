// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is made visible
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f]/g
/** What a terminal may take for a command too, and what turns the text that follows around. */
const UNSEEN = /[\u0080-\u009f\u202a-\u202e\u2066-\u2069]/g

/** The symbol that stands for a control. */
export const symbolOf = (control: string) =>
  control === '\u007f' ? '␡' : String.fromCharCode(0x2400 + control.charCodeAt(0))

/** A text that cannot do anything to the terminal that it is shown on: controls as the symbols that stand for them. */
function legibleText(text: string): string {
  return text.replace(CONTROLS, symbolOf).replace(UNSEEN, '\ufffd')
}

/** The same of every text in plain data, keys included. */
export function legible<T>(value: T): T {
  if (typeof value === 'string') return legibleText(value) as T
  if (Array.isArray(value)) return value.map(legible) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [legibleText(key), legible(each)])) as T
}
