import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** A task of a thread: the module that exports it, its name there, and what it is given. */
export interface ThreadTask {
  url: string
  name: string
  given: unknown
}

/**
 * The one module that the pool loads itself, with `require`: a thread that is ended while Node 20 loads a module so takes
 * the process with it (`v8::Module::IsGraphAsync must be used on an instantiated module`). What takes long is imported.
 */
export async function runTask({ url, name, given }: ThreadTask): Promise<unknown> {
  const module = url.endsWith('.ts') ? source(url) : await import(url)
  return module[name](given)
}

/** The source as it stands, of which a thread's `import` knows nothing, with or without tsx. */
const source = (url: string) => createRequire(import.meta.url)(fileURLToPath(url))
