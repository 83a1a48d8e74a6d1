import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

/** Texts in other languages: a style sheet and the script of the HTML report, and scripts of Redis. */
const NOT_PROSE = ['report/html/style.ts', 'report/html/script.ts', 'explore/agents/scripts.ts']

/** Doc comments are no texts; parsing them takes half of the time. */
const WITHOUT_COMMENTS: ts.CreateSourceFileOptions = {
  languageVersion: ts.ScriptTarget.Latest,
  jsDocParsingMode: ts.JSDocParsingMode.ParseNone,
}

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
      const source = ts.createSourceFile(file, readFileSync(join(folder, file), 'utf8'), WITHOUT_COMMENTS)
      const texts = new Set<string>()
      addTexts(source, texts)
      return [...texts].map((text) => `${file}: ${text}\n`)
    })
    .join('')
}

function addTexts(node: ts.Node, texts: Set<string>): void {
  for (const line of literalText(node)?.split('\n') ?? []) {
    const text = line.trim()
    if (/[a-z] | [a-z]/i.test(text)) texts.add(text)
  }
  ts.forEachChild(node, (child) => addTexts(child, texts))
}

function literalText(node: ts.Node): string | null {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text
  if (!ts.isTemplateExpression(node)) return null
  return node.head.text + node.templateSpans.map(({ literal }) => `\${…}${literal.text}`).join('')
}
