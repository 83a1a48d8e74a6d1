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
  if (list !== null) return list.map((value, i) => read(`${path}[${i}]`, value))
  return text.split('\n').flatMap((content, i) => {
    if (content.trim() === '') return []
    const place = `${path}:${i + 1}`
    let value: unknown
    try {
      value = JSON.parse(content)
    } catch (error) {
      throw new ValidationError(place, `is not JSON: ${show(content.trim())}`, { cause: error })
    }
    return [read(place, value)]
  })
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
