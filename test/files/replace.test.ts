import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { replaceFile } from '../../src/files/replace.js'

const folder = mkdtempSync(join(tmpdir(), 'throughline-'))
afterAll(() => rmSync(folder, { recursive: true }))

it('replaces a file with its mode, through a link, and leaves no temporary file', async () => {
  const [path, link] = [join(folder, 'a.txt'), join(folder, 'link.txt')]
  await replaceFile(path, 'one')
  chmodSync(path, 0o640)
  symlinkSync(path, link)
  await replaceFile(link, 'two')
  expect(readFileSync(path, 'utf8')).toBe('two')
  expect(statSync(path).mode & 0o777).toBe(0o640)
  expect(lstatSync(link).isSymbolicLink()).toBe(true)
  expect(readdirSync(folder).sort()).toEqual(['a.txt', 'link.txt'])
})

it('writes to devices in place, and rejects a folder', async () => {
  await replaceFile('/dev/null', 'gone')
  await expect(replaceFile('/dev/full', 'x')).rejects.toMatchObject({ code: 'ENOSPC' })
  await expect(replaceFile(folder, 'x')).rejects.toMatchObject({ code: 'EISDIR' })
  await expect(replaceFile(join(folder, 'none', 'x'), 'x')).rejects.toMatchObject({ code: 'ENOENT' })
  writeFileSync(join(folder, 'b.txt'), 'b')
  await expect(replaceFile(join(folder, 'b.txt', 'x'), 'x')).rejects.toMatchObject({ code: 'ENOTDIR' })
})
