import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Load, SentAt } from './sender.js'

const MS_PER: Record<string, number> = { us: 1e-3, ms: 1, s: 1e3 }
const inMs = (value = '', unit = 's') => Number(value) * (MS_PER[unit] ?? Number.NaN)
const matched = (text: string, pattern: RegExp) => (pattern.exec(text) ?? []).slice(1) as [string?, string?]

/** A load generator of the system. */
export interface SystemTool {
  /** its name, which is also its command */
  name: string
  /** the Debian package that has it */
  debian: string
  /** its arguments; null if it cannot send this load */
  args(load: Load): string[] | null
  /** how many requests were answered, by its output */
  requests(text: string): number
  /** a percentile of latency in milliseconds, by its output; NaN if it gives no such percentile */
  percentile(text: string, p: number): number
  /** the longest latency in milliseconds */
  max(text: string): number
}

export const WRK: SystemTool = {
  name: 'wrk',
  debian: 'wrk',
  // it has no rate
  args: ({ connections, rate, seconds }) =>
    rate === null ? ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency'] : null,
  requests: (text) => Number(matched(text, /(\d+) requests in/)[0]),
  percentile: (text, p) => inMs(...matched(text, new RegExp(`\\s${p}%\\s+([\\d.]+)(us|ms|s)`))),
  max: (text) => inMs(...matched(text, /Latency\s+\S+\s+\S+\s+([\d.]+)(us|ms|s)/)),
}

const AB: SystemTool = {
  name: 'ab',
  debian: 'apache2-utils',
  args: ({ connections, rate, seconds }) =>
    rate === null ? ['-k', '-q', '-c', `${connections}`, '-t', `${seconds}`, '-n', '100000000'] : null,
  requests: (text) => Number(matched(text, /Complete requests:\s+(\d+)/)[0]),
  percentile: (text, p) => inMs(matched(text, new RegExp(`\\s${p}%\\s+(\\d+)`))[0], 'ms'),
  max: (text) => inMs(matched(text, /100%\s+(\d+)/)[0], 'ms'),
}

export const HEY: SystemTool = {
  name: 'hey',
  debian: 'hey',
  // its rate is that of each connection
  args: ({ connections, rate, seconds }) => [
    ...['-z', `${seconds}s`, '-c', `${connections}`],
    ...(rate === null ? [] : ['-q', `${rate / connections}`]),
  ],
  requests: (text) => Number(matched(text, /\[200\]\s+(\d+) responses/)[0]),
  percentile: (text, p) => inMs(matched(text, new RegExp(`\\s${p}% in ([\\d.]+) secs`))[0]),
  max: (text) => inMs(matched(text, /Slowest:\s+([\d.]+)/)[0]),
}

export const SYSTEM_TOOLS = [WRK, AB, HEY]

/** Runs a tool on a URL. Returns its output, with the CPU times of the shell and of the tool in the last two lines. */
export async function output({ name, args }: SystemTool, load: Load, url: string): Promise<string> {
  const given = args(load)
  if (given === null) throw new Error(`${name} cannot send this load`)
  return (await promisify(execFile)('sh', ['-c', '"$@"; times', 'sh', name, ...given, url])).stdout
}

/** Sends a load by a tool. */
export async function sendBy(tool: SystemTool, load: Load, url: string): Promise<SentAt> {
  const text = await output(tool, load, url)
  const times = text.trim().split('\n').at(-1) as string
  const cpu = [...times.matchAll(/(\d+)m([\d.]+)s/g)].map(([, min, s]) => 60 * Number(min) + Number(s))
  return {
    requests: tool.requests(text),
    seconds: load.seconds,
    p50Ms: tool.percentile(text, 50),
    p99Ms: tool.percentile(text, 99),
    cpuMs: 1000 * cpu.reduce((a, b) => a + b, 0),
    fixedMs: 0,
  }
}

/** Whether a tool is installed. If not, prints that it is skipped. */
export async function isInstalled({ name, debian }: SystemTool): Promise<boolean> {
  try {
    await promisify(execFile)('sh', ['-c', 'command -v "$1"', 'sh', name])
    return true
  } catch {
    console.log(` ${name} is not installed, and is skipped; apt-get install ${debian}`)
    return false
  }
}
