// Writes the published JSON Schemas, from the schemas by which the package reads files.
import { mkdirSync, writeFileSync } from 'node:fs'
import { jsonSchemas } from '../dist/report/export/json-schema.js'

const folder = new URL('../dist/schema/', import.meta.url)
mkdirSync(folder, { recursive: true })
for (const [name, schema] of Object.entries(jsonSchemas())) {
  writeFileSync(new URL(`${name}.json`, folder), `${JSON.stringify(schema)}\n`)
}
