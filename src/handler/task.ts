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
  const module = await import(url)
  return module[name](given)
}
