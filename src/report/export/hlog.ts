import { responseTimesOf } from '../../result/parts.js'
import type { Result } from '../../result/result.js'
import { checkNamed } from '../check-options.js'
import type { NamedResult } from '../named-result.js'

const PARTS = {
  ...{ wait: 'waitMs', service: 'serviceMs', lag: 'lagMs' },
  ...{ queueing: 'queueingMs', batching: 'batchingMs', dispatch: 'dispatchMs' },
} as const satisfies Record<string, keyof Result>

/**
 * Renders results as an HdrHistogram log: a line for each segment of the window with the latencies of the requests due in
 * it, tagged `latency`, and a line over the whole window for each part of latency (`wait`, `service`, `lag`, `queueing`,
 * `batching`, `dispatch`) and for `first` and `between`, if the result has them. Values are nanoseconds, times are seconds from the start of the run, and the maximum of each
 * line is in milliseconds. With several results, each tag begins with the result's name.
 *
 * @throws ValidationError if they are not results
 * @example
 * const result = simulate({ arrivals: '50/s', service: '10ms', stop: { requests: 10_000 } })
 * const log = renderHlog([{ name: 'checkout', result }])
 */
export function renderHlog(results: readonly NamedResult[]): string {
  checkNamed(results)
  const named = results.length > 1
  return [
    '#[Histogram log format version 1.3]',
    // a result has no date
    '#[StartTime: 0.000 (seconds since epoch), Thu Jan 01 1970 00:00:00 GMT+0000]',
    '#[Values are nanoseconds; times are seconds from the start of the run; Interval_Max is milliseconds]',
    '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    ...results.flatMap(({ name, result }) => linesOf(result, named ? `${tagOf(name)}.` : '')),
    '',
  ].join('\n')
}

function linesOf(result: Result, before: string): string[] {
  const { startMs, endMs } = result.window
  const line = (tag: string, fromMs: number, toMs: number, { max, histogram }: { max: number; histogram: string }) =>
    `Tag=${before}${tag},${(fromMs / 1000).toFixed(6)},${((toMs - fromMs) / 1000).toFixed(6)},${max.toFixed(6)},${histogram}`
  return [
    ...result.segments.flatMap(({ startMs, endMs, latencyMs }) =>
      latencyMs === null ? [] : [line('latency', startMs, endMs, latencyMs)],
    ),
    ...Object.entries(PARTS).map(([tag, key]) => line(tag, startMs, endMs, result[key])),
    ...responseTimesOf(result).map(([name, summary]) => line(name, startMs, endMs, summary)),
  ]
}

/** Replaces the characters that end a tag. */
const tagOf = (name: string) => name.replace(/[^\w.-]+/g, '_')
