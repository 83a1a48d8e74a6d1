import { existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const TYPESCRIPT = /\.[mc]?ts$/

/**
 * Where a handler's module is: a file URL as it stands, a path from the working directory.
 *
 * @throws TypeError if there is no such file
 */
export function locate(handler: string): { url: string; path: string } {
  if (/^[a-z][a-z\d+.-]+:/i.test(handler) && !handler.startsWith('file:')) {
    throw new TypeError('it must be a file URL or a path; other URLs are not loaded')
  }
  const path = handler.startsWith('file:') ? fileURLToPath(handler) : resolve(handler)
  if (!existsSync(path)) {
    const beside = ['.ts', '.mts', '.js', '.mjs', '.cjs', '.cts'].map((end) => path.replace(/\.[cm]?[jt]s$/, end))
    const meant = beside.find((each) => each !== path && existsSync(each))
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

/** Loads a module's default export; TypeScript where Node itself strips types, or through tsx. */
export async function loadDefault(url: string): Promise<unknown> {
  const module = await loadModule(url)
  const exported = module.default as { default?: unknown } | undefined
  // a CommonJS build of `export default` arrives as the default of a default
  return typeof exported === 'object' && exported !== null && 'default' in exported && '__esModule' in exported
    ? exported.default
    : exported
}

/** Loads a module with all that it exports. */
export async function loadModule(url: string): Promise<Record<string, unknown>> {
  const stripsTypes = Boolean((process.features as { typescript?: unknown }).typescript)
  if (!TYPESCRIPT.test(url) || stripsTypes) return import(url)
  const { tsImport } = await tsx(url)
  return tsImport(url, url)
}

async function tsx(url: string): Promise<typeof import('tsx/esm/api')> {
  try {
    return await import('tsx/esm/api')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
  }
  try {
    // a package manager may let only the handler's own project see it
    const require = createRequire(url)
    const { exports } = require('tsx/package.json')
    const api = exports['./esm/api'].import.default
    return await import(new URL(api, pathToFileURL(require.resolve('tsx/package.json'))).href)
  } catch (error) {
    throw new TypeError(
      `a TypeScript handler needs Node 22.18 or newer, or tsx beside Node ${process.versions.node}: npm install --save-dev tsx`,
      { cause: error },
    )
  }
}
