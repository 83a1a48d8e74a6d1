import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Lists the source files that are newer than their built files. */
function stale(): { source: string; built: string }[] {
  return readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => ({ source: join('src', file), built: join('dist', file.replace(/\.ts$/, '.js')) }))
    .filter(({ source, built }) => !existsSync(built) || statSync(built).mtimeMs < statSync(source).mtimeMs)
}

/**
 * Updates the code in dist/ from src/ before the tests, because commands, examples and threads run the built code. Types are
 * left to `npm run build`.
 */
export default async function setup(): Promise<void> {
  const files = stale()
  if (files.length === 0) return
  const { default: ts } = await import('typescript')
  const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile)
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, '.')
  for (const { source, built } of files) {
    const { outputText } = ts.transpileModule(readFileSync(source, 'utf8'), {
      fileName: source,
      compilerOptions: { ...options, module: ts.ModuleKind.ESNext, declaration: false, noEmit: false },
    })
    mkdirSync(dirname(built), { recursive: true })
    // renaming is atomic: other processes load either the old or the new file
    const written = `${built}.${process.pid}`
    writeFileSync(written, outputText, { mode: outputText.startsWith('#!') ? 0o755 : 0o644 })
    renameSync(written, built)
  }
}
