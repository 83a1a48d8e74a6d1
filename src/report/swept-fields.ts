import type { Swept } from '../explore/sweep.js'
import { fieldIn, fieldOf } from '../scenario/fields.js'
import { inText, time } from '../text/number.js'
import { shorten } from './draw/elements/label.js'

/** Fields of a resolved scenario whose numbers are times, and those whose numbers are rates. */
const TIMES =
  /(^|\.)(good\.\w+|maxWait|timeout|base|perItem|time|on|off|duration|thinkTime\.mean|overhead\.\w+\.mean|points\.\d+\.mean)$/
const RATES = /(^|\.)(rate|from)$/

/** A field of a sweep, and how reports show it. */
export interface SweptField {
  /** the name that the sweep used */
  name: string
  /** two header lines */
  header: string
  /** formats the value in the resolved scenario, where all values have the same unit */
  label(swept: Swept): string
  /** the same value for programs: a number in milliseconds or per second, or a string */
  plain(swept: Swept): string | number | boolean | null
}

const HEADERS: Record<string, string> = {
  'arrivals.rate': 'rate\n/s',
  servers: '\nservers',
  'batching.maxWait': 'max\nwait',
  'batching.maxBatchSize': 'max\nbatch',
}

/** Lists the fields that were swept, in the order of the sweep. */
export function sweptFields(swept: readonly Swept[]): SweptField[] {
  // a field may be spelt in two ways: the first spelling is its name
  const names = new Map<string, string>()
  for (const name of swept.flatMap(({ point }) => Object.keys(point))) {
    const path = fieldOf(name)
    if (!names.has(path)) names.set(path, name)
  }
  return [...names].map(([path, name]) => {
    const plain = ({ point, result }: Swept) => {
      const value = result.scenario === null ? undefined : fieldIn(result.scenario, path)
      if (value === null || ['number', 'string', 'boolean'].includes(typeof value)) return value as string
      // a value that resolved to an object is shown as it was given
      const given = Object.entries(point).find(([each]) => fieldOf(each) === path)?.[1]
      return typeof given === 'string' || typeof given === 'number' ? given : (JSON.stringify(given) ?? String(given))
    }
    return {
      name,
      header: HEADERS[path] ?? fieldHeader(path),
      plain,
      label: (at) => {
        const value = plain(at)
        if (value === null) return path === 'servers' ? 'no limit' : 'none'
        if (typeof value === 'number') return TIMES.test(path) ? time(value) : inText(value)
        const text = String(value)
        return shorten(text, LONGEST_LABEL)
      },
    }
  })
}

const LONGEST_LABEL = 24

/** The last part of a path, below the part that contains it. */
function fieldHeader(path: string): string {
  const parts = path.split('.')
  return `${parts.at(-2) ?? ''}\n${parts.at(-1)}${RATES.test(path) ? ' /s' : ''}`
}
