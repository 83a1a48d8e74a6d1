/**
 * What a run, or a comparison of runs, has to say about itself, with the figures that it rests on. `docs/measuring.md`
 * lists what a measurement may find, with the meaning of each and what to do.
 */
export interface Finding {
  code:
    | 'event-loop-late'
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
    | 'load-not-carried'
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
