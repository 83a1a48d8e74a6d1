import { readFileSync } from 'node:fs'
import Ajv from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { affine, simulate, sweep } from '../../../src/index.js'
import { jsonSchemas } from '../../../src/report/export/json-schema.js'
import { checkResult } from '../../../src/result/check.js'
import { result } from '../../support/results/example-result.js'

const published = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../../dist/schema/${name}.json`, import.meta.url), 'utf8'))
const ajv = new Ajv.default({ strict: false, allErrors: true })
const compiled = new Map<string, ReturnType<typeof ajv.compile>>()
function validates(name: string) {
  const validate = compiled.get(name) ?? ajv.compile(published(name))
  compiled.set(name, validate)
  return validate
}

describe('the published JSON Schemas', () => {
  it.each(Object.entries(jsonSchemas()))('%s equals the schema that reads files', (name, schema) => {
    expect(published(name)).toEqual(JSON.parse(JSON.stringify(schema)))
  })

  it('accept real results', async () => {
    const validate = validates('result')
    const closed = simulate({
      arrivals: { process: 'closed', clients: 3, thinkTime: '1ms' },
      service: affine({ base: '1ms' }),
      queue: { capacity: 1, timeout: '1s' },
      stop: { requests: 2000 },
    })
    const [few] = await sweep({ arrivals: 5, service: 1, stop: { requests: 20 } }, { seed: [2] })
    for (const each of [result, closed, few?.result]) {
      validate(JSON.parse(JSON.stringify(each)))
      expect(validate.errors).toBeNull()
    }
  })

  it.each<[string, (result: Record<string, unknown>) => void]>([
    ['of another version', (given) => Object.assign(given, { schema: 'throughline/result@2' })],
    ['without its latency', (given) => delete given.latencyMs],
    ['with a negative count', (given) => Object.assign(given.counts as object, { failed: -1 })],
    ['with text for a number', (given) => Object.assign(given, { utilization: 'much' })],
    ['without a scenario', (given) => delete given.scenario],
    ['with an incomplete scenario', (given) => delete (given.scenario as { batching?: object }).batching],
    ['with unknown arrivals', (given) => Object.assign(given.scenario as object, { arrivals: {} })],
    ['with half an environment', (given) => Object.assign(given, { environment: { node: '20' } })],
  ])('reject a result %s, as reading does', (_, spoil) => {
    const given = JSON.parse(JSON.stringify(result))
    spoil(given)
    expect(validates('result')(given)).toBe(false)
    expect(() => checkResult(given)).toThrow()
  })

  it('accept scenarios in files, and reject invalid ones', () => {
    const validate = validates('scenario')
    const scenario = { $schema: 'x', arrivals: '800/s', handler: './model.ts', batching: { maxBatchSize: 8 } }
    expect(validate(scenario)).toBe(true)
    expect(validate({ ...scenario, servres: 2 })).toBe(false)
    expect(validate({ ...scenario, servers: 'two' })).toBe(false)
    expect(validates('budget')({ p99: '100ms', throughput: 500 })).toBe(true)
    expect(validates('budget')({ p99: null })).toBe(false)
  })
})
