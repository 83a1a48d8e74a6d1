import { plain, type Style } from './style.js'
import { wrap } from './wrap.js'

/** What a run, or a comparison, found of itself. */
interface Finding {
  code: string
  severity: 'error' | 'warning' | 'info'
  message: string
}

const MARKS = { error: ['✗', 'red'], warning: ['!', 'yellow'], info: ['·', 'dim'] } as const

/** Errors, then warnings, then what is only good to know. */
export function gravestFirst<Of extends Finding>(findings: readonly Of[]): Of[] {
  return (['error', 'warning', 'info'] as const).flatMap((severity) =>
    findings.filter((finding) => finding.severity === severity),
  )
}

/** What a run, or a comparison, has to say about itself, the gravest first. */
export function renderFindings(findings: Finding[], width: number, style: Style = plain): string {
  return gravestFirst(findings)
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
