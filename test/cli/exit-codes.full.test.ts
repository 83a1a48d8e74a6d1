import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { affine, exponential, simulate } from '../../src/index.js'
import { MAIN } from '../support/processes/command-line.js'

const folder = mkdtempSync(join(tmpdir(), 'throughline-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string, value: unknown) => {
  const path = join(folder, name)
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value))
  return path
}
const scenario = { arrivals: '50/s', service: affine({ base: '10ms', variation: exponential() }) }
file('scenario.json', { ...scenario, stop: { requests: 20_000 } })
file('result.json', simulate({ ...scenario, stop: { requests: 100_000 } }))
file('kept.json', { p99: '150ms' })
file('broken.json', { p99: '50ms' })

/** Runs a line of bash with `TL` for the command; never rejects. */
function bash(line: string): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const script = `TL="${process.execPath} ${MAIN}"\n${line}`
    execFile('bash', ['-c', script], { cwd: folder }, (error, stdout, stderr) => {
      // a slow machine may print progress
      const said = stderr.replace(/^\d+ % .*\n/gm, '')
      resolve({ code: error === null ? 0 : (error.code as unknown as number), stdout, stderr: said })
    })
  })
}

const KEPT = '$TL check result.json --budget kept.json'
const BROKEN = '$TL check result.json --budget broken.json'

describe.concurrent('the exit code', () => {
  it.each([
    ['kept, without a stderr', `${KEPT} 2>/dev/full`, 0],
    ['broken, without a stderr', `${BROKEN} 2>/dev/full`, 1],
    ['broken, with a stderr that nobody reads', `${BROKEN} 2> >(true); code=$?; sleep 0.1; exit $code`, 1],
    ['broken, with neither', `${BROKEN} >&- 2>&-`, 1],
    ['kept, with a stdout that nobody reads', `${KEPT} | true; exit \${PIPESTATUS[0]}`, 0],
    ['broken, with a stdout that nobody reads', `${BROKEN} 2>&1 | head -n 0; exit \${PIPESTATUS[0]}`, 1],
    ['bad usage, without a stderr', '$TL simulate --nope 2>/dev/full', 2],
  ])('is that of the verdict: %s', async (_, line, code) => {
    expect(await bash(line)).toMatchObject({ code, stderr: '' })
  })

  it.each([
    'check result.json --budget kept.json',
    'check result.json --budget kept.json --json',
    'simulate scenario.json',
    'report result.json --format html',
    'report result.json --format csv',
    '--help',
    '--version',
  ])('is 2, with a line that gives the reason, if stdout cannot be written: %s', async (command) => {
    const { code, stderr } = await bash(`$TL ${command} >/dev/full`)
    expect(code).toBe(2)
    expect(stderr).toMatch(/^throughline: cannot write to standard output \(ENOSPC\).*\n$/)
  })

  it('is 2 if a file takes only a part of the output', async () => {
    const { code, stderr } = await bash('ulimit -f 8; $TL simulate scenario.json --json > simulated.json')
    expect(code).toBe(2)
    expect(stderr).toMatch(/^throughline: cannot write to standard output \(EFBIG\)/)
    expect(statSync(join(folder, 'simulated.json')).size).toBeLessThanOrEqual(8192)
  })

  const called = (name: string, body: string, top = '') =>
    file(
      name,
      `${top}\nexport default { arrivals: '200/s', call: async () => { ${body} }, stop: { duration: '200ms' } }`,
    )
  const fine = called('fine.mjs', '')

  it.each([
    [
      'leaks a rejection',
      called('leaks.mjs', "Promise.reject(new Error('nobody waits'))"),
      /uncaught error in a loaded module: nobody waits/,
    ],
    [
      'throws in a timer',
      called('late.mjs', "setTimeout(() => { throw new Error('too late') }, 1)"),
      /uncaught error in a loaded module: too late/,
    ],
    ['throws null in a timer', called('null.mjs', 'setTimeout(() => { throw null }, 1)'), /null/],
    ['exits with 0', called('exits-0.mjs', 'process.exit(0)'), /a loaded module ended the process/],
    ['exits with 1', called('exits-1.mjs', 'process.exit(1)'), /a loaded module ended the process/],
    ['exits with 3', called('exits-3.mjs', 'process.exit(3)'), /a loaded module ended the process/],
    ['sets another one', called('sets.mjs', '', 'process.exitCode = 1'), null],
    [
      'sets another one at the end',
      called('sets-late.mjs', '', "process.on('exit', () => { process.exitCode = 1 })"),
      null,
    ],
    ['throws at the end', called('throws-late.mjs', '', "process.on('exit', () => { throw new Error('x') })"), null],
    ['leaves a timer', called('timer.mjs', '', 'setInterval(() => {}, 1000)'), null],
  ])('is not mistaken for a verdict if a module %s', async (_, module, message) => {
    const { code, stderr } = await bash(`$TL measure ${module} --json >/dev/null`)
    if (message === null) return expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/^throughline: .*\n$/)
    const compared = await bash(`$TL compare ${fine} ${module} --rounds 2`)
    expect(compared).toMatchObject({ code: 2, stdout: '' })
  })
})

describe.concurrent('an output file', () => {
  it('is unchanged if the disk is full, and no temporary file is left', async () => {
    const inner = mkdtempSync(join(folder, 'full-'))
    const page = join(inner, 'page.html')
    writeFileSync(page, 'the old page')
    const { code, stderr } = await bash(`ulimit -f 16; $TL report result.json -o ${page}`)
    expect(code).toBe(2)
    expect(stderr).toMatch(/page\.html: cannot be written \(EFBIG\)\n$/)
    expect(readFileSync(page, 'utf8')).toBe('the old page')
    expect(readdirSync(inner)).toEqual(['page.html'])
  })
})

describe.concurrent('the permission model', () => {
  const flags = process.allowedNodeEnvironmentFlags
  const RESTRICTED = `${process.execPath} --no-warnings ${flags.has('--permission') ? '--permission' : '--experimental-permission'}`
  it.each([
    ['threads', '--allow-fs-read=*', 'measure --handler h.mjs --arrivals 100/s', /start Node with --allow-worker\n$/],
    [
      'writing',
      '--allow-fs-read=*',
      'report result.json -o x.html',
      /x\.html: cannot be written .*--allow-fs-write\)\n$/,
    ],
    ['a cache', '--allow-fs-read=*', 'sweep scenario.json --servers 1,2 --cache c', /--allow-fs-write\)\n$/],
    [
      'reading',
      `--allow-fs-read=${join(MAIN, '../../..')}/*`,
      'simulate scenario.json',
      /start Node with --allow-fs-read=.*scenario\.json\)\n$/,
    ],
  ])('is named with the missing flag: %s', async (_, allowed, command, message) => {
    file('h.mjs', 'export default (batch) => batch')
    const { code, stderr } = await bash(`${RESTRICTED} ${allowed} ${MAIN} ${command}`)
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })
})
