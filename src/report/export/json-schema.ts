import { z } from 'zod'
import { resultSchema } from '../../result/check.js'
import { budgetSchema } from '../../scenario/budget.js'
import { scenarioSchema } from '../../scenario/scenario.js'

type Json = z.core.JSONSchema.JSONSchema

/**
 * JSON Schemas (draft 2020-12) of the files that are read and written, made of the schemas that they are read by:
 * `throughline/schema/result.json`, `scenario.json` and `budget.json`. What a schema cannot say, such as that
 * percentiles rise or that counts add up, is checked on reading alone.
 */
export function jsonSchemas(): Record<'result' | 'scenario' | 'budget', Json> {
  return {
    result: of(resultSchema, 'A result of throughline'),
    scenario: scenarioOfFile(of(scenarioSchema, 'A scenario of throughline')),
    budget: of(budgetSchema, 'A latency budget of throughline'),
  }
}

function of(schema: z.ZodType, title: string): Json {
  const { $schema, ...made } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'ref' })
  return { ...($schema !== undefined && { $schema }), title, ...made }
}

/** A file holds no functions, and may say what it is checked by. */
function scenarioOfFile({ properties = {}, ...schema }: Json): Json {
  const { call: _, ...others } = properties
  return {
    ...schema,
    properties: {
      $schema: { type: 'string' },
      ...others,
      handler: { type: 'string', description: 'the URL or path of the module that serves batches' },
    },
  }
}
