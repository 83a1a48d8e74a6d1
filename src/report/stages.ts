import { goodPart } from '../result/goodput.js'
import { errorsIn } from '../result/recording.js'
import type { Result } from '../result/result.js'
import type { StageResult } from '../result/stages.js'
import { closePercentage, inText, threeDigits, timeUnit } from '../text/number.js'

const STAGE_TIMES = ['p50', 'p90', 'p95', 'p99', 'max'] as const

/** The columns of a table of stages, and its rows of formatted figures; null if the arrivals are not in stages. */
export function stageRows(
  { stages, latencyMs, window }: Result,
  times: readonly (typeof STAGE_TIMES)[number][] = STAGE_TIMES,
): { columns: string[]; rows: string[][] } | null {
  if (stages === undefined) return null
  const unit = timeUnit([latencyMs.p99])
  const length = timeUnit(stages.map(({ endMs }) => endMs))
  const withErrors = stages.some(({ counts }) => errorsIn(counts) > 0)
  const withGood = stages.some(({ counts }) => counts.good !== undefined)
  const rows = stages.map((stage) => {
    const { startMs, endMs, fromPerSecond, toPerSecond, throughput, counts, latencyMs: latency } = stage
    const ofOffered = (percentage: string) => (counts.offered === 0 ? '–' : percentage)
    const good = goodPart(counts)
    return [
      `${inText(startMs / length.ms)} to ${inText(endMs / length.ms)}`,
      fromPerSecond === toPerSecond ? inText(toPerSecond) : `${inText(fromPerSecond)} to ${inText(toPerSecond)}`,
      throughput === null ? whyAbsent(stage, window) : threeDigits(throughput.offered),
      throughput === null ? '–' : threeDigits(throughput.completed),
      ...(withErrors ? [ofOffered(threeDigits((100 * errorsIn(counts)) / counts.offered))] : []),
      ...(withGood ? [good.of === 0 ? '–' : closePercentage(good.amount / good.of)] : []),
      ...times.map((time) => (latency === null ? '–' : threeDigits(latency[time] / unit.ms))),
    ]
  })
  const columns = [
    `stage\n${length.name}`,
    'rate\n/s',
    'offered\n/s',
    'completed\n/s',
    ...(withErrors ? ['errors\n%'] : []),
    ...(withGood ? ['good\n%'] : []),
    ...times.map((time) => `${time}\n${unit.name}`),
  ]
  return { columns, rows }
}

const whyAbsent = ({ endMs }: StageResult, { startMs }: Result['window']) =>
  endMs <= startMs ? 'warm-up' : 'not reached'
