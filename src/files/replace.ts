import { randomUUID } from 'node:crypto'
import { access, chmod, chown, constants, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** A file that is mounted by itself, or in a folder that takes no new ones, can only be written to where it is. */
const IN_PLACE = ['EBUSY', 'EXDEV', 'EACCES', 'EPERM', 'EROFS']

/**
 * Writes a file whole or not at all: the text goes to a temporary file in the same folder, which then takes the place
 * of the old one. A link stays a link, and what is no file, such as `/dev/stdout`, is written to as it is. So is
 * an old file that cannot be replaced: one that is mounted by itself, or in a folder that takes no new files.
 *
 * @throws the error of the file system; the old file is then as it was, and no temporary file is left
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const target = await realpath(path).catch(() => path)
  const old = await stat(target).catch(() => null)
  if (old !== null && !old.isFile()) return writeFile(target, text)
  // to rename takes a right to the folder alone
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
