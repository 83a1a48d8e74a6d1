import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

/** Texts in other languages: a style sheet and the script of the HTML report, and scripts of Redis. */
const NOT_PROSE = ['report/html/style.ts', 'report/html/script.ts', 'explore/agents/scripts.ts']

/**
 * Lists the texts of the source that a user may read, a line each: `file: text`, with `${…}` for what is computed. A text
 * is any string or template literal that has a space next to a letter; a literal of several lines gives several texts.
 */
export function listMessages(folder: string): string {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts') && !NOT_PROSE.includes(file))
    .sort()
  return files
    .flatMap((file) => {
      const source = ts.createSourceFile(file, readFileSync(join(folder, file), 'utf8'), ts.ScriptTarget.Latest)
      return [...new Set(textsIn(source))].map((text) => `${file}: ${text}\n`)
    })
    .join('')
}

function textsIn(node: ts.Node): string[] {
  const own = literalText(node)?.split('\n') ?? []
  const texts = own.map((line) => line.trim()).filter((line) => /[a-z] | [a-z]/i.test(line))
  ts.forEachChild(node, (child) => void texts.push(...textsIn(child)))
  return texts
}

function literalText(node: ts.Node): string | null {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text
  if (!ts.isTemplateExpression(node)) return null
  return node.head.text + node.templateSpans.map(({ literal }) => `\${…}${literal.text}`).join('')
}
