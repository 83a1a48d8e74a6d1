import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { frame } from '../../examples/real-model/frames.ts'
import { encode } from '../../examples/service/pcm.ts'

const REQUESTS = 20

it('on shutdown answers all accepted requests, accepts no more, and exits', async () => {
  // no batch would leave by itself before the test is over
  const flags = ['--port', '0', '--max-batch-size', '64', '--max-wait', '10m', '--queue-timeout', '10m']
  const service = spawn(process.execPath, ['--import', 'tsx', 'examples/service/main.ts', ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const ended = once(service, 'exit')
    const [said] = await once(createInterface(service.stdout), 'line')
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0] as string
    const answers = Array.from({ length: REQUESTS }, (_, seed) =>
      fetch(`${url}/infer`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ pcm: encode(frame(seed)) }),
      }),
    )
    const waiting = async () => (await (await fetch(`${url}/health`)).json()).waiting
    while ((await waiting()) < REQUESTS) await delay(10)

    service.kill('SIGTERM')
    for (const answer of await Promise.all(answers)) {
      expect(answer.status).toBe(200)
      expect((await answer.json()).speech).toSatisfy((p: number) => p > 0 && p < 1)
    }
    expect(await ended).toEqual([0, null])
    await expect(fetch(`${url}/health`)).rejects.toThrow()
  } finally {
    service.kill('SIGKILL')
  }
})
