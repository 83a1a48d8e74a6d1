import { checkBudget, measure } from 'throughline'
import { renderBudget } from 'throughline/report'
import 'throughline/vitest'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { frame } from '../real-model/frames.ts'
import { encode } from './pcm.ts'
import { budget } from './policy.ts'
import { createService, type Service } from './service.ts'

const frames = Array.from({ length: 64 }, (_, seed) => encode(frame(seed)))
let service: Service
let url: string

beforeAll(async () => {
  service = await createService()
  url = await service.app.listen({ port: 0, host: '127.0.0.1' })
})
afterAll(() => service.app.close())

it('keeps its budget over HTTP', async ({ skip }) => {
  const result = await measure({
    arrivals: '600/s',
    http: { url: `${url}/infer`, body: (index) => ({ pcm: frames[index % frames.length] as string }) },
    stop: { duration: '6s' },
  })
  // inconclusive on a machine that is busy with something else: the reason says so
  const check = checkBudget(result, budget)
  if (check.verdict === 'inconclusive') skip(renderBudget(check))
  expect(result).toMeetBudget(budget)
})
