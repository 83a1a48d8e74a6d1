/**
 * A doubt about a run, or about a comparison of runs, with the figures that it is based on. `docs/reference/findings.md`
 * explains each finding, and what to do about it.
 */
export interface Finding {
  code:
    | 'event-loop-late'
    | 'event-loop-stalled'
    | 'queue-late'
    | 'saturated'
    | 'cut-off'
    | 'interrupted'
    | 'in-progress'
    | 'littles-law'
    | 'unsteady'
    | 'machine-unsteady'
    | 'cpu-contention'
    | 'cpu-throttled'
    | 'too-few-samples'
    | 'over-an-hour'
    | 'failures'
    | 'redirects-not-followed'
    | 'goodput-unknown'
    | 'connections-not-reused'
    | 'no-more-connections'
    | 'server-died'
    | 'teardown-failed'
    | 'shards-missing'
    | 'shards-apart'
    | 'rounds-left-out'
    | 'rounds-late'
    | 'load-not-sustained'
    | 'requests-differ'
    | 'not-interleaved'
    | 'environments-differ'
    | 'scenarios-differ'
    | 'seeds-differ'
    | 'run-invalid'
    | 'noise-floor'
  /** only an error makes a run invalid */
  severity: 'error' | 'warning' | 'info'
  message: string
  /** the figures, by name */
  figures: Record<string, number>
}

/** Whether a result can be trusted; it is invalid if a finding is an error. */
export interface Validity {
  valid: boolean
  findings: Finding[]
}

/**
 * How a finding affects verdicts on latency limits:
 *
 * - `lengthens`: latencies would have been shorter without it, so a pass remains a pass
 * - `late`: the same, by as much as requests were sent late
 * - `hides`: long latencies may be missing, so a fail remains a fail
 * - `overload`: there is no steady state, and latency grows for as long as the run lasts
 * - `contradicts`: the figures contradict each other, so no limit can be judged
 * - `none`: no effect
 */
export type FindingEffect = 'lengthens' | 'late' | 'hides' | 'overload' | 'contradicts' | 'none'

/** The effect of each finding on budgets. */
export const FINDING_EFFECTS: Record<Finding['code'], FindingEffect> = {
  'event-loop-late': 'late',
  'event-loop-stalled': 'lengthens',
  'queue-late': 'lengthens',
  'machine-unsteady': 'lengthens',
  'cpu-contention': 'lengthens',
  'cpu-throttled': 'lengthens',
  saturated: 'overload',
  'cut-off': 'hides',
  interrupted: 'hides',
  'in-progress': 'hides',
  'shards-missing': 'hides',
  'shards-apart': 'hides',
  'server-died': 'hides',
  'littles-law': 'contradicts',
  unsteady: 'none',
  'too-few-samples': 'none',
  'over-an-hour': 'none',
  // failures count as errors
  failures: 'none',
  // a redirect is a response, but a shorter one than what it leads to
  'redirects-not-followed': 'none',
  // there is no goodput to judge
  'goodput-unknown': 'none',
  // the set-up is part of what the clients of such a server wait for
  'connections-not-reused': 'none',
  // the server had less load than it was to have
  'no-more-connections': 'hides',
  'teardown-failed': 'none',
  'rounds-left-out': 'none',
  'rounds-late': 'none',
  'load-not-sustained': 'none',
  'requests-differ': 'none',
  'not-interleaved': 'none',
  'environments-differ': 'none',
  'scenarios-differ': 'none',
  'seeds-differ': 'none',
  'run-invalid': 'none',
  'noise-floor': 'none',
}

/** The findings by which the machine, and not the code, may have made latency longer. */
export const findingsThatLengthen = (findings: readonly Finding[]): Finding[] => [
  ...findingsThat(findings, 'lengthens'),
  ...findingsThat(findings, 'late'),
]

/** The findings of a run that have this effect: warnings too if they lengthen latency, otherwise only errors. */
export function findingsThat(findings: readonly Finding[], effect: FindingEffect): Finding[] {
  const warned = effect === 'lengthens' || effect === 'late'
  return findings.filter(({ code, severity }) => {
    // a result of another version may have an unknown finding, whose effect is unknown
    const known = Object.hasOwn(FINDING_EFFECTS, code) ? FINDING_EFFECTS[code] : 'contradicts'
    return (severity === 'error' || (warned && severity === 'warning')) && known === effect
  })
}
