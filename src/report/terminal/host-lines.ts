import type { Host } from '../../result/host.js'
import { sumBy } from '../../statistics/descriptive.js'
import { inText, percent, plural, threeDigits, time } from '../../text/number.js'
import { pad, type Style } from '../../text/style.js'
import { wrap } from '../../text/wrap.js'

const LEVELS = '▁▂▃▄▅▆▇█'
/** With more server threads than this, only the range of their values is shown. */
const MOST_THREADS = 3

/** Renders what the machine did during the run, to see whether it caused slow requests. */
export function renderHost(host: Host, width: number, style: Style): string {
  const lines = hostFacts(host).flatMap(([name, text]) => {
    return wrap(text, width - 16).map((line, i) => ` ${pad(i === 0 ? style('dim', name) : '', 12)}  ${line}`)
  })
  return [style('bold', ' The machine during the run'), ...lines].join('\n')
}

/** Lists what is known of the machine, by name. */
export function hostFacts(host: Host): [name: string, text: string][] {
  return [
    ['speed', speedText(host)],
    ['cpu', cpuText(host)],
    ['CPU wait', cpuWaitText(host)],
    ['gc', gcText(host)],
    ['event loop', eventLoopText(host)],
  ].filter((line): line is [string, string] => line[1] !== null)
}

function speedText({ speed }: Host): string | null {
  if (speed === null) return null
  const { slowest, fastest, timeline } = speed
  const most = Math.max(...timeline.map((each) => each.speed))
  const line = timeline.map((each) => LEVELS[Math.min(7, Math.floor((8 * each.speed) / most))]).join('')
  return `${threeDigits(slowest)} to ${threeDigits(fastest)} of its mean ${line}`
}

function cpuText({ cpu }: Host): string | null {
  if (cpu === null) return null
  const { periodMs, cores, othersMs, stealMs } = cpu
  const own = threadsText(cpu.threads, ({ fraction }) => fraction, percent)
  const stolen = stealMs > 0 ? `, stolen ${percent(stealMs / periodMs)}` : ''
  return `${own}; other processes ${percent(othersMs / periodMs)}${stolen}, of ${plural(cores, 'core')}`
}

function cpuWaitText({ cpu }: Host): string | null {
  return cpu && threadsText(cpu.threads, ({ waitingMs }) => waitingMs / cpu.periodMs, percent)
}

function gcText({ gc }: Host): string | null {
  if (gc === null) return null
  const paused = gc.filter(({ count }) => count > 0)
  if (paused.length === 0) return 'no pauses'
  const longest = paused.reduce((a, b) => (b.longestMs > a.longestMs ? b : a))
  const total = sumBy(paused, ({ totalMs }) => totalMs)
  const count = sumBy(paused, ({ count }) => count)
  const pauses = count === 1 ? '1 pause' : `${inText(count)} pauses, ${time(total)} in total,`
  return `${pauses} ${count === 1 ? 'of' : 'the longest'} ${time(longest.longestMs)} (${longest.thread})`
}

function eventLoopText({ eventLoopDelay }: Host): string | null {
  if (eventLoopDelay === null) return null
  const { p50Ms, p99Ms, maxMs } = eventLoopDelay
  return `late by ${time(p50Ms)} at p50, ${time(p99Ms)} at p99, ${time(maxMs)} at most`
}

function threadsText<Of extends { thread: string }>(
  threads: Of[],
  of: (one: Of) => number,
  text: (value: number) => string,
) {
  const servers = threads.filter(({ thread }) => thread.startsWith('server'))
  if (servers.length <= MOST_THREADS) return threads.map((one) => `${one.thread} ${text(of(one))}`).join(', ')
  const values = servers.map(of)
  const others = threads.filter((one) => !servers.includes(one)).map((one) => `${one.thread} ${text(of(one))}`)
  const range = `${servers.length} servers ${text(Math.min(...values))} to ${text(Math.max(...values))}`
  return [...others, range].join(', ')
}
