import type { Finding } from '../result/validity.js'
import { plain, type Style } from './style.js'

const MARKS = { error: ['✗', 'red'], warning: ['!', 'yellow'], info: ['·', 'dim'] } as const

/** What a run has to say about itself, the gravest first. */
export function renderFindings(findings: Finding[], width: number, style: Style = plain): string {
  return (['error', 'warning', 'info'] as const)
    .flatMap((severity) => findings.filter((finding) => finding.severity === severity))
    .map(({ severity, code, message }) => {
      const [mark, format] = MARKS[severity]
      const [first = '', ...rest] = wrap(`${code}: ${message}`, width - 4)
      return [
        ` ${style(format, mark)} ${style(format, first)}`,
        ...rest.map((line) => `   ${style(format, line)}`),
      ].join('\n')
    })
    .join('\n')
}

/** A figure stays with its unit. */
const BETWEEN_WORDS = / (?!(?:[num]?s|%)(?:\W|$))/

/** A text in lines of so many columns at most, broken between words. */
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
