import { readFileSync } from 'node:fs'

/** A block of code in a Markdown file. */
export interface Block {
  /** the file and its line */
  at: string
  /** `ts`, `sh` … as the file has it, empty where it does not say */
  language: string
  code: string
  /** what a comment before it, which readers do not see, adds to it: `<!-- given: const scenario = … -->` */
  given: string
  /** what it prints, if a block after it begins with `<!-- prints -->` */
  prints: string | null
}

const GIVEN = String.raw`(?:<!-- given:\s*(?<given>[\s\S]*?)-->\n+)?`
const CODE = String.raw`^\x60{3}(?<language>\w*)\n(?<code>[\s\S]*?)^\x60{3}$`
const PRINTS = String.raw`(?:\n+<!-- prints -->\n+\x60{3}\n(?<prints>[\s\S]*?)^\x60{3}$)?`
const FENCED = new RegExp(GIVEN + CODE + PRINTS, 'gm')

export function blocksOf(path: string, name: string): Block[] {
  const text = readFileSync(path, 'utf8')
  return [...text.matchAll(FENCED)].map(({ groups = {}, index }) => ({
    at: `${name}:${text.slice(0, text.indexOf('```', index)).split('\n').length}`,
    language: groups.language as string,
    code: groups.code as string,
    given: groups.given ?? '',
    prints: groups.prints ?? null,
  }))
}

/** Lines that a block shows and the output lacks, in order; `…` stands for lines that are left out. */
export function missingIn(output: string, shown: string): string[] {
  const printed = output.split('\n').map((line) => line.trimEnd())
  let from = 0
  return shown
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => {
      if (line === '…') return false
      const at = printed.indexOf(line, from)
      if (at >= 0) from = at + 1
      return at < 0
    })
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
