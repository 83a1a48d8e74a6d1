import { extname } from 'node:path'
import { ValidationError } from '../validation/validation-error.js'

/**
 * The format of a file, by its extension.
 *
 * @throws ValidationError if the extension is not one of the formats
 */
export function formatOf<Format extends string>(file: string, formats: readonly Format[]): Format {
  const extension = extname(file).slice(1).toLowerCase()
  const format = formats.find((each) => each === extension)
  if (format !== undefined) return format
  throw new ValidationError(file, `must have one of these extensions: ${formats.map((each) => `.${each}`).join(', ')}`)
}
