import { plain, type Style } from './style.js'
import { wrap } from './wrap.js'

/** A finding of a run or a comparison. */
interface Finding {
  code: string
  severity: 'error' | 'warning' | 'info'
  message: string
}

const MARKS = { error: ['✗', 'red'], warning: ['!', 'yellow'], info: ['·', 'dim'] } as const

/** Sorts findings: errors, then warnings, then infos. */
export function sortBySeverity<Of extends Finding>(findings: readonly Of[]): Of[] {
  return (['error', 'warning', 'info'] as const).flatMap((severity) =>
    findings.filter((finding) => finding.severity === severity),
  )
}

/** Renders findings, the most severe first. */
export function renderFindings(findings: Finding[], width: number, style: Style = plain): string {
  return sortBySeverity(findings)
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
