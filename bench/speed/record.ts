import { createHistogram, performance } from 'node:perf_hooks'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { build } from 'hdr-histogram-js'
import { Histogram, Registry } from 'prom-client'
import { createRecorder } from 'throughline'

/**
 * Measures what it costs to record one latency: `npx tsx bench/speed/record.ts [rounds]`. All record the same latencies in
 * interleaved rounds, timed by the CPU time of this process, which other processes affect little. Prints medians, and the
 * lowest and highest of the rounds.
 */
const rounds = Number(process.argv[2] ?? 9)
const RECORDS = 500_000
const latencies = Float64Array.from(
  { length: 4096 },
  (_, i) => 0.05 - 2 * Math.log(1 - ((i * 2654435761) % 4096) / 4096),
)
const latency = (i: number) => latencies[i & 4095] as number
/** due times of requests, 50,000 a second, and their ends; the recorders' clock follows */
const dues = new Float64Array(RECORDS)
const ends = new Float64Array(RECORDS)
let clockMs = 1
function nextRequests(): void {
  for (let i = 0; i < RECORDS; i++) {
    dues[i] = clockMs + 0.02 * i
    ends[i] = (dues[i] as number) + latency(i)
  }
  clockMs = (ends.at(-1) as number) + 1000
}

const recorder = createRecorder({ clock: () => clockMs })
const batched = createRecorder({ clock: () => clockMs })
const onItsClock = createRecorder()
const classified = createRecorder({ clock: () => clockMs, classes: ['checkout', 'browse'] })
const checkouts = classified.class('checkout')
const native = createHistogram()
const hdr = build({
  bitBucketSize: 32,
  numberOfSignificantValueDigits: 3,
  lowestDiscernibleValue: 1,
  highestTrackableValue: 3.6e12,
})
const prometheus = new Histogram({
  name: 'latency',
  help: 'latency',
  buckets: [0.0001, 0.001, 0.01, 0.1, 1],
  registers: [new Registry()],
})
const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 })
const openTelemetry = new MeterProvider({ readers: [reader] }).getMeter('bench').createHistogram('latency')

const ways: Record<string, () => void> = {
  'throughline record': () => {
    for (let i = 0; i < RECORDS; i++) recorder.record(dues[i] as number, ends[i] as number)
  },
  'throughline arrived, which precedes it': () => {
    for (let i = 0; i < RECORDS; i++) recorder.arrived(dues[i] as number)
  },
  'throughline arrived and served, in batches of 8': () => {
    for (let i = 0; i < RECORDS; i += 8) {
      for (let k = i; k < i + 8; k++) batched.arrived(dues[k] as number)
      const leave = dues[i + 7] as number
      batched.batch(8, leave, leave, leave, ends[i + 7] as number)
      for (let k = i; k < i + 8; k++) batched.served(dues[k] as number)
    }
  },
  'throughline record of a class': () => {
    for (let i = 0; i < RECORDS; i++) checkouts.record(dues[i] as number, ends[i] as number)
  },
  'perf_hooks record': () => {
    for (let i = 0; i < RECORDS; i++) native.record(Math.round(latency(i) * 1e6))
  },
  'prom-client observe': () => {
    for (let i = 0; i < RECORDS; i++) prometheus.observe(latency(i) / 1000)
  },
  'OpenTelemetry record': () => {
    for (let i = 0; i < RECORDS; i++) openTelemetry.record(latency(i) / 1000)
  },
  'hdr-histogram-js recordValue': () => {
    for (let i = 0; i < RECORDS; i++) hdr.recordValue(Math.round(latency(i) * 1e6))
  },
  'performance.now, twice': () => {
    for (let i = 0; i < RECORDS; i++) {
      const start = performance.now()
      if (performance.now() < start) throw new Error('the clock went back')
    }
  },
  'throughline, start and record, which read the clock': () => {
    for (let i = 0; i < RECORDS; i++) onItsClock.record(onItsClock.start())
  },
}

const times = new Map(Object.keys(ways).map((name) => [name, [] as number[]]))
for (let round = -2; round < rounds; round++) {
  nextRequests()
  for (const [name, way] of Object.entries(ways)) {
    const before = process.cpuUsage()
    way()
    const { user, system } = process.cpuUsage(before)
    if (round >= 0) times.get(name)?.push((1000 * (user + system)) / RECORDS)
  }
}
const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] as number
for (const [name, each] of times) {
  const spread = `${Math.min(...each).toFixed(1)} to ${Math.max(...each).toFixed(1)}`
  console.log(`${name.padEnd(54)}${median(each).toFixed(1).padStart(7)} ns   ${spread}`)
}
const before = process.cpuUsage()
for (let i = 0; i < 10; i++) recorder.snapshot({ last: '1m' })
const { user } = process.cpuUsage(before)
console.log(
  `\na snapshot takes ${(user / 10_000).toFixed(1)} ms of CPU time, and the recorder ${(recorder.bytes / 1e6).toFixed(1)} MB`,
)
const asked = process.cpuUsage()
for (let i = 0; i < 10; i++) recorder.totals([1, 10])
console.log(`totals, which metrics are exported from, ${(process.cpuUsage(asked).user / 10_000).toFixed(1)} ms`)
await reader.shutdown()
