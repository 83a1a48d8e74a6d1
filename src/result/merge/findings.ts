import type { Finding } from '../validity.js'

/** The findings of one of several runs, and the name of its machine if it has one. */
export interface RunFindings {
  name?: string
  findings: readonly Finding[]
}

const SEVERITIES = ['error', 'warning', 'info'] as const
/** How many machines a message names. */
const MOST_NAMED = 5

/**
 * Lists each kind of finding once, as the first run with its highest severity reports it, with the machines that have it,
 * or with the number of replications.
 */
export function mergeFindings(runs: readonly RunFindings[]): Finding[] {
  const codes = new Set(runs.flatMap(({ findings }) => findings.map(({ code }) => code)))
  return [...codes].map((code) => {
    const found = runs.flatMap(({ name, findings }) => {
      const own = worst(findings.filter((finding) => finding.code === code))
      return own === null ? [] : [{ name, own }]
    })
    const first = worst(found.map(({ own }) => own)) as Finding
    const names = found.flatMap(({ name }) => name ?? [])
    return {
      ...first,
      message: `${names.length === 0 ? `in ${found.length} of ${runs.length} replications` : onMachines(names, runs.length)}: ${first.message}`,
      figures: { ...first.figures, [names.length === 0 ? 'replications' : 'machines']: found.length },
    }
  })
}

/** The first finding of the highest severity. */
function worst(findings: readonly Finding[]): Finding | null {
  const [severity] = SEVERITIES.filter((each) => findings.some((finding) => finding.severity === each))
  return findings.find((finding) => finding.severity === severity) ?? null
}

function onMachines(names: readonly string[], machines: number): string {
  if (names.length === 1) return `on ${names[0]}`
  const shown = names.slice(0, MOST_NAMED).join(', ')
  const more = names.length > MOST_NAMED ? ', …' : ''
  return `on ${names.length} of ${machines} machines (${shown}${more})`
}
