/** Matches spaces between words, except between a number and its unit. */
const BETWEEN_WORDS = / (?!(?:[num]?s|%)(?:\W|$))/

/**
 * Wraps a text between words, into lines of at most this many columns.
 *
 * @example
 * console.log(wrap('p99 is within 20 ms', 9)) // [ 'p99 is', 'within', '20 ms' ]
 */
export function wrap(text: string, columns: number): string[] {
  return text.split('\n').flatMap((paragraph) => {
    const lines: string[] = []
    let line = ''
    for (const word of paragraph.split(BETWEEN_WORDS)) {
      if (line !== '' && line.length + 1 + word.length > columns) {
        lines.push(line)
        line = word
      } else line = line === '' ? word : `${line} ${word}`
    }
    return [...lines, line]
  })
}

/** Renders a text as a paragraph of at most this many columns, with a margin of one column on each side. */
export function renderParagraph(text: string, width: number, format = (line: string) => line): string {
  return wrap(text, width - 2)
    .map((line) => ` ${format(line)}`)
    .join('\n')
}
