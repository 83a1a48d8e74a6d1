import { extname } from 'node:path'
import { ValidationError } from '../validation/validation-error.js'

/**
 * What a file is to be written as, by the end of its name.
 *
 * @throws ValidationError if its extension is not one of those formats
 */
export function formatOf<Format extends string>(file: string, formats: readonly Format[]): Format {
  const extension = extname(file).slice(1).toLowerCase()
  const format = formats.find((each) => each === extension)
  if (format !== undefined) return format
  throw new ValidationError(
    file,
    `must end in ${formats.map((each) => `.${each}`).join(', ')}, which says what to write`,
  )
}
