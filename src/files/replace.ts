import { randomUUID } from 'node:crypto'
import { access, chmod, chown, constants, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Errors of files that cannot be replaced, only written in place: mounted files, and files in read-only folders. */
const IN_PLACE = ['EBUSY', 'EXDEV', 'EACCES', 'EPERM', 'EROFS']

/**
 * Writes a file atomically: the text goes to a temporary file in the same folder, which then replaces the old file. A link
 * stays a link. Devices such as `/dev/stdout`, and old files that cannot be replaced (mounted files, files in read-only
 * folders), are written in place.
 *
 * @throws the error of the file system; the old file is then unchanged, and no temporary file is left
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const target = await realpath(path).catch(() => path)
  const old = await stat(target).catch(() => null)
  if (old !== null && !old.isFile()) return writeFile(target, text)
  // renaming checks only the permissions of the folder
  if (old !== null) await access(target, constants.W_OK)
  const unfinished = join(dirname(target), `.throughline-${randomUUID()}`)
  try {
    await writeFile(unfinished, text, { flag: 'wx' })
    if (old !== null) {
      await chown(unfinished, old.uid, old.gid).catch(() => {})
      await chmod(unfinished, old.mode & 0o7777)
    }
    await rename(unfinished, target)
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => {})
    if (old === null || !IN_PLACE.includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    await writeFile(target, text)
  }
}
