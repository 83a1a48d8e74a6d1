import { existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { isUrlString } from '../scenario/handler.js'

const TYPESCRIPT = /\.[mc]?ts$/

/**
 * Locates a module by its file URL, or by its path, relative to the working directory.
 *
 * @throws TypeError if there is no such file
 */
export function locate(handler: string): { url: string; path: string } {
  if (isUrlString(handler) && !handler.startsWith('file:')) {
    throw new TypeError('it must be a file URL or a path; other URLs are not supported')
  }
  const path = handler.startsWith('file:') ? fileURLToPath(handler) : resolve(handler)
  if (!existsSync(path)) {
    const candidates = ['.ts', '.mts', '.js', '.mjs', '.cjs', '.cts'].map((end) => path.replace(/\.[cm]?[jt]s$/, end))
    const meant = candidates.find((each) => each !== path && existsSync(each))
    const hint =
      meant !== undefined
        ? `; there is ${basename(meant)}`
        : handler.startsWith('file:')
          ? ''
          : ' (a relative path is resolved against the working directory)'
    throw new TypeError(`there is no such file${hint}`)
  }
  if (!statSync(path).isFile()) throw new TypeError('it must be a file, not a folder')
  return { url: pathToFileURL(path).href, path }
}

/** Loads a module's default export: TypeScript by Node itself if it strips types, or by tsx. */
export async function loadDefault(url: string): Promise<unknown> {
  const module = await loadModule(url)
  const exported = module.default as { default?: unknown } | undefined
  // `export default` compiled to CommonJS is the default of the default
  return typeof exported === 'object' && exported !== null && 'default' in exported && '__esModule' in exported
    ? exported.default
    : exported
}

/** Errors of Node with TypeScript that tsx loads: `./x.js` for a file `./x.ts`, and syntax that is more than types. */
const BEYOND_STRIPPING = new Set(['ERR_MODULE_NOT_FOUND', 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX'])

/** Loads a module with all its exports. */
export async function loadModule(url: string): Promise<Record<string, unknown>> {
  if (!TYPESCRIPT.test(url)) return import(url)
  const stripsTypes = Boolean((process.features as { typescript?: unknown }).typescript)
  if (!stripsTypes) return (await tsx(url)).tsImport(url, url)
  try {
    return await import(url)
  } catch (error) {
    if (!BEYOND_STRIPPING.has((error as NodeJS.ErrnoException).code ?? '')) throw error
    const api = await tsx(url).catch(() => null)
    // without tsx, what Node said is what helps
    if (api === null) throw error
    return api.tsImport(url, url)
  }
}

async function tsx(url: string): Promise<typeof import('tsx/esm/api')> {
  try {
    return await import('tsx/esm/api')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
  }
  try {
    // tsx may be installed only in the project of the handler
    const require = createRequire(url)
    const { exports } = require('tsx/package.json')
    const api = exports['./esm/api'].import.default
    return await import(new URL(api, pathToFileURL(require.resolve('tsx/package.json'))).href)
  } catch (error) {
    throw new TypeError(
      `a TypeScript handler needs Node 22.18 or newer, or tsx with Node ${process.versions.node}: npm install --save-dev tsx`,
      { cause: error },
    )
  }
}
