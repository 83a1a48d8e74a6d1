import { z } from 'zod'
import { resultSchema } from '../../result/consistency/schema.js'
import { budgetSchema } from '../../scenario/budget.js'
import { scenarioSchema } from '../../scenario/scenario.js'

type Json = z.core.JSONSchema.JSONSchema

/**
 * Creates the JSON Schemas (draft 2020-12) of stored files, from the schemas that check them on reading:
 * `throughline/schema/result.json`, `scenario.json` and `budget.json`. Reading also checks what a schema cannot
 * express, such as that percentiles rise and counts add up.
 */
export function jsonSchemas(): Record<'result' | 'scenario' | 'budget', Json> {
  return {
    result: toJsonSchema(resultSchema, 'A result of throughline'),
    scenario: scenarioInFile(toJsonSchema(scenarioSchema, 'A scenario of throughline')),
    budget: toJsonSchema(budgetSchema, 'A latency budget of throughline'),
  }
}

function toJsonSchema(schema: z.ZodType, title: string): Json {
  const { $schema, ...json } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'ref' })
  return { ...($schema !== undefined && { $schema }), title, ...json }
}

/** In a file there are no functions, and `$schema` is allowed. */
function scenarioInFile({ properties = {}, ...schema }: Json): Json {
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
