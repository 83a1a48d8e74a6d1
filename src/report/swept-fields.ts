import type { Swept } from '../explore/sweep.js'
import { fieldIn, fieldOf } from '../scenario/fields.js'
import { inText, time } from '../text/number.js'

/** What a number in a field of a resolved scenario is. */
const TIMES =
  /(^|\.)(maxWait|timeout|base|perItem|time|on|off|duration|thinkTime\.mean|overhead\.\w+\.mean|points\.\d+\.mean)$/
const RATES = /(^|\.)(rate|from)$/

/** A field of a sweep, as it is called and shown. */
export interface SweptField {
  /** as the sweep was given it */
  name: string
  /** two lines to stand over its values */
  header: string
  /** its value in the scenario that was run, so that all are in the same units */
  label(swept: Swept): string
  /** the same for a program: a number in milliseconds or a second, or a text */
  plain(swept: Swept): string | number | boolean | null
}

const HEADERS: Record<string, string> = {
  'arrivals.rate': 'rate\n/s',
  servers: '\nservers',
  'batching.maxWait': 'max\nwait',
  'batching.maxBatchSize': 'max\nbatch',
}

/** The fields that were swept, in the order that the sweep has them. */
export function sweptFields(swept: readonly Swept[]): SweptField[] {
  // one field may be spelt in two ways: the first that is met is its name
  const names = new Map<string, string>()
  for (const name of swept.flatMap(({ point }) => Object.keys(point))) {
    const path = fieldOf(name)
    if (!names.has(path)) names.set(path, name)
  }
  return [...names].map(([path, name]) => {
    const plain = ({ point, result }: Swept) => {
      const value = result.scenario === null ? undefined : fieldIn(result.scenario, path)
      if (value === null || ['number', 'string', 'boolean'].includes(typeof value)) return value as string
      // what became more than one value is shown as it was given
      const given = Object.entries(point).find(([each]) => fieldOf(each) === path)?.[1]
      return typeof given === 'string' || typeof given === 'number' ? given : (JSON.stringify(given) ?? String(given))
    }
    return {
      name,
      header: HEADERS[path] ?? headerOf(path),
      plain,
      label: (at) => {
        const value = plain(at)
        if (value === null) return path === 'servers' ? 'no limit' : 'none'
        if (typeof value === 'number') return TIMES.test(path) ? time(value) : inText(value)
        const text = String(value)
        return text.length > MOST ? `${text.slice(0, MOST - 1)}…` : text
      },
    }
  })
}

const MOST = 24

/** The last of a name, under what it is in. */
function headerOf(path: string): string {
  const parts = path.split('.')
  return `${parts.at(-2) ?? ''}\n${parts.at(-1)}${RATES.test(path) ? ' /s' : ''}`
}
