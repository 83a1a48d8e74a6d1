/**
 * What a run, or a comparison of runs, has to say about itself, with the figures that it rests on. `docs/reference/findings.md`
 * lists what a measurement may find, with the meaning of each and what to do.
 */
export interface Finding {
  code:
    | 'event-loop-late'
    | 'queue-late'
    | 'saturated'
    | 'cut-off'
    | 'interrupted'
    | 'littles-law'
    | 'unsteady'
    | 'machine-unsteady'
    | 'cpu-contention'
    | 'cpu-throttled'
    | 'too-few-samples'
    | 'over-an-hour'
    | 'failures'
    | 'server-died'
    | 'teardown-failed'
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

export interface Validity {
  valid: boolean
  findings: Finding[]
}

/**
 * What a finding means for a limit on latency. Most of them leave one of the two verdicts as it is:
 *
 * - `lengthens`: latencies can only have been shorter without it, so that an upper limit that was kept is kept
 * - `late`: the same, by as much as requests were sent late
 * - `hides`: long latencies may be missing, so that an upper limit that was exceeded is exceeded
 * - `overload`: there is no steady state, and latency grows for as long as the run goes on
 * - `contradicts`: the figures disagree with one another, so that no limit can be judged
 * - `none`: it says nothing of a limit
 */
export type FindingEffect = 'lengthens' | 'late' | 'hides' | 'overload' | 'contradicts' | 'none'

/** The one table of what each finding means for a budget. */
export const FINDING_EFFECTS: Record<Finding['code'], FindingEffect> = {
  'event-loop-late': 'late',
  'queue-late': 'lengthens',
  'machine-unsteady': 'lengthens',
  'cpu-contention': 'lengthens',
  'cpu-throttled': 'lengthens',
  saturated: 'overload',
  'cut-off': 'hides',
  interrupted: 'hides',
  'server-died': 'hides',
  'littles-law': 'contradicts',
  unsteady: 'none',
  'too-few-samples': 'none',
  'over-an-hour': 'none',
  // they are counted as errors
  failures: 'none',
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

/** Those findings of a run that have this effect: of what lengthens latency warnings too, of the others only errors. */
export function findingsThat(findings: readonly Finding[], effect: FindingEffect): Finding[] {
  const warned = effect === 'lengthens' || effect === 'late'
  return findings.filter(({ code, severity }) => {
    // another version may have findings of its own: what an unknown error means is not known
    const known = Object.hasOwn(FINDING_EFFECTS, code) ? FINDING_EFFECTS[code] : 'contradicts'
    return (severity === 'error' || (warned && severity === 'warning')) && known === effect
  })
}
