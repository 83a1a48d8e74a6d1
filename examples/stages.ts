// The load rises beyond what the servers sustain, and falls again. Run it with `npx tsx examples/stages.ts`.
import { affine, exponential, simulate, stages } from 'throughline'
import { renderResult, styleFor, time } from 'throughline/report'

const day = stages(
  [
    { rate: '150/s', duration: '60s' },
    { rate: '150/s', duration: '60s' },
    { rate: '600/s', duration: '60s' }, // two servers sustain 400/s, three 600/s
    { rate: '150/s', duration: '60s' },
    { rate: '150/s', duration: '60s' },
  ],
  { from: 0 },
)
const service = affine({ base: '5ms', variation: exponential() })

for (const servers of [2, 3]) {
  const result = simulate({ arrivals: day, service, servers, warmup: { requests: 0 } })
  console.log(renderResult(result, { width: 100, style: styleFor(process.stdout) }))

  const [, steady, , , after] = result.stages ?? []
  const [before, later] = [steady?.latencyMs?.p99 ?? 0, after?.latencyMs?.p99 ?? 0]
  console.log(`\n p99 at 150/s: ${time(before)} before the peak, ${time(later)} after it\n`)
}
