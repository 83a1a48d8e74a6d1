import { readFileSync } from 'node:fs'

/** A block of code in a Markdown file. */
export interface Block {
  /** the file and its line */
  at: string
  /** `ts`, `sh` … as the file has it, empty where it does not say */
  language: string
  code: string
  /** what a comment before it, which readers do not see, says of it: `<!-- given: const scenario = … -->` */
  given: string
}

const FENCED = /(?:<!-- given:\s*(?<given>[\s\S]*?)-->\n+)?^```(?<language>\w*)\n(?<code>[\s\S]*?)^```$/gm

export function blocksOf(path: string, name: string): Block[] {
  const text = readFileSync(path, 'utf8')
  return [...text.matchAll(FENCED)].map(({ groups = {}, index }) => ({
    at: `${name}:${text.slice(0, text.indexOf('```', index)).split('\n').length}`,
    language: groups.language as string,
    code: groups.code as string,
    given: groups.given ?? '',
  }))
}

/** The imports of a text first, since what is given may need them, then the rest. */
export function moduleOf({ given, code }: Block): string {
  const IMPORT = /^import [\s\S]*?from '[^']+'\n|^import '[^']+'\n/gm
  const both = [given, code]
  const imports = both.flatMap((text) => text.match(IMPORT) ?? [])
  return [...new Set(imports), ...both.map((text) => text.replace(IMPORT, '')), 'export {}\n'].join('\n')
}

/** The commands of a shell block, comments and line ends by `\` taken out. */
export function commandsOf({ code }: Block): string[] {
  return code
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
}
