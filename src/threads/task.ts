import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** A task of a thread: the URL of the module that exports it, the name of the export, and its argument. */
export interface ThreadTask {
  url: string
  name: string
  given: unknown
}

/**
 * Runs a task in a thread. This small module is the only one that the pool itself loads, with `require`; everything that
 * takes longer to load is imported. In Node 20, ending a thread while it loads an ES module with `require` crashes the
 * process (`v8::Module::IsGraphAsync must be used on an instantiated module`).
 */
export async function runTask({ url, name, given }: ThreadTask): Promise<unknown> {
  const module = url.endsWith('.ts') ? loadSource(url) : await import(url)
  return module[name](given)
}

/** Loads TypeScript source with `require`, which tsx hooks in a thread; `import` fails there even with tsx. */
const loadSource = (url: string) => createRequire(import.meta.url)(fileURLToPath(url))
