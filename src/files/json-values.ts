import { show, ValidationError } from '../validation/validation-error.js'

/**
 * Parses JSON lines, or one JSON list.
 *
 * @param read converts a value; its place is the line, or the index in the list
 * @throws ValidationError with the line that is not JSON
 */
export function parseJsonValues<Item>(
  path: string,
  text: string,
  read: (place: string, value: unknown) => Item,
): Item[] {
  const list = parseList(text)
  if (list !== null) {
    checkNesting(path, text)
    return list.map((value, i) => read(`${path}[${i}]`, value))
  }
  return text.split('\n').flatMap((content, i) => {
    if (content.trim() === '') return []
    const place = `${path}:${i + 1}`
    return [
      read(
        place,
        parseJson(place, content, () => show(content.trim())),
      ),
    ]
  })
}

/**
 * Parses a JSON text.
 *
 * @param describe says what is wrong with a text that is not JSON
 * @throws ValidationError with the place if the text is not JSON, or nested too deeply
 */
export function parseJson(place: string, text: string, describe: (error: unknown) => string): unknown {
  checkNesting(place, text)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ValidationError(place, `is not JSON: ${describe(error)}`, { cause: error })
  }
}

/** Far deeper than any stored value is nested; deeper values would overflow the stack of functions that walk them. */
const DEEPEST = 100

function checkNesting(place: string, text: string): void {
  const depth = nestingDepth(text)
  if (depth > DEEPEST) throw new ValidationError(place, `is nested ${depth} levels deep; the limit is ${DEEPEST}`)
}

/** The depth of nested lists and objects in a JSON text. */
function nestingDepth(text: string): number {
  let deepest = 0
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (inString) {
      if (code === 0x5c) i++
      else inString = code !== 0x22
    } else if (code === 0x22) inString = true
    else if (code === 0x5b || code === 0x7b) deepest = Math.max(deepest, ++depth)
    else if (code === 0x5d || code === 0x7d) depth--
  }
  return deepest
}

/** Parses a whole text as one JSON list; null if it is not one. */
function parseList(text: string): unknown[] | null {
  if (!text.trimStart().startsWith('[')) return null
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value : null
  } catch {
    // a list on each line
    return null
  }
}
