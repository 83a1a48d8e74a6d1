import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const REPOSITORY = resolve(import.meta.dirname, '../..')
const SCRIPT = join(REPOSITORY, 'action/run.js')

let folder: string
let origin: string
const git = (at: string, ...args: string[]) =>
  execFileSync('git', args, { cwd: at, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()

function commit(cost: string): string {
  writeFileSync(join(origin, 'cost.js'), `export const cost = '${cost}'\n`)
  git(origin, 'add', '--all')
  git(origin, '-c', 'user.name=a', '-c', 'user.email=a@localhost', 'commit', '--quiet', '--message', cost)
  return git(origin, 'rev-parse', 'HEAD')
}

/** The commits of a pull request with a slower head, and its merge commit as GitHub makes it. */
const commits = { base: '', head: '', merge: '' }
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'throughline-action-'))
  origin = join(folder, 'origin')
  mkdirSync(origin)
  git(origin, 'init', '--quiet', '--initial-branch=main')
  git(origin, 'config', 'uploadpack.allowAnySHA1InWant', 'true')
  writeFileSync(join(origin, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(origin, '.gitignore'), 'node_modules\n')
  writeFileSync(
    join(origin, 'a.throughline.js'),
    `import { cost } from './cost.js'
     export const order = { arrivals: '500/s', service: cost, stop: { requests: 1000 } }\n`,
  )
  commits.base = commit('1ms')
  git(origin, 'switch', '--quiet', '--create', 'feature')
  commits.head = commit('1.5ms')
  git(origin, 'switch', '--quiet', 'main')
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@localhost']
  git(origin, ...identity, 'merge', '--quiet', '--no-ff', '--message', 'merge', 'feature')
  commits.merge = git(origin, 'rev-parse', 'HEAD')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Makes a shallow clone with a commit, as actions/checkout does. */
function checkout(name: string, commit: string, installed = true): string {
  const at = join(folder, name)
  mkdirSync(at)
  git(at, 'init', '--quiet')
  git(at, 'remote', 'add', 'origin', `file://${origin}`)
  git(at, 'fetch', '--quiet', '--depth=1', 'origin', commit)
  git(at, 'checkout', '--quiet', '--detach', commit)
  mkdirSync(join(at, 'node_modules'))
  if (installed) symlinkSync(REPOSITORY, join(at, 'node_modules/throughline'))
  return at
}

/** Runs the script as in a job. */
async function job(at: string, event: object, env: Record<string, string> = {}) {
  const files = { event: `${at}.event.json`, summary: `${at}.summary`, output: `${at}.output` }
  writeFileSync(files.event, JSON.stringify(event))
  const { PATH, HOME } = process.env
  const github = {
    GITHUB_EVENT_PATH: files.event,
    GITHUB_STEP_SUMMARY: files.summary,
    GITHUB_OUTPUT: files.output,
    RUNNER_TEMP: folder,
  }
  const ran = await new Promise<{ code: number; stdout: string }>((resolve) => {
    execFile(process.execPath, [SCRIPT], { cwd: at, env: { PATH, HOME, ...github, ...env } }, (error, stdout) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout })
    })
  })
  const lines = readFileSync(files.output, 'utf8').trim().split('\n')
  const output = Object.fromEntries(lines.map((line) => line.split('='))) as Record<string, string>
  return { ...ran, output, summary: readFileSync(files.summary, 'utf8') }
}
const pull = () => ({
  pull_request: { number: 7, base: { ref: 'main', sha: commits.head }, head: { sha: commits.head } },
})

describe('the gate of a job', () => {
  it('compares a pull request with the branch it is merged into, in a clone of one commit', async () => {
    const { code, output, summary } = await job(checkout('pull', commits.merge), pull())
    expect({ code, ...output }).toMatchObject({ code: 0, 'exit-code': '1', verdict: 'fail' })
    expect(summary).toMatch(/^### ❌ Slower than base\/main: order\n/)
    for (const extension of ['html', 'md', 'xml', 'json']) {
      expect(existsSync(join(output.folder as string, `gate.${extension}`))).toBe(true)
    }
    const report = JSON.parse(readFileSync(join(output.folder as string, 'gate.json'), 'utf8'))
    expect(report.base.commit).toBe(commits.base)
  })

  it('compares a push with the commit before it', { tags: 'full' }, async () => {
    const { output } = await job(
      checkout('push', commits.head),
      { before: commits.base },
      { GITHUB_REF_NAME: 'feature' },
    )
    expect(output).toMatchObject({ 'exit-code': '1', verdict: 'fail' })
  })

  it('uses its inputs', { tags: 'full' }, async () => {
    const at = checkout('inputs', commits.merge)
    const { output, summary } = await job(at, pull(), {
      BASE_REF: 'HEAD',
      FILES: ' a.throughline.js\n\n',
      ARGUMENTS: '--rounds\n2',
      ON_INCONCLUSIVE: 'pass',
      PREPARE: 'echo prepared > prepared.txt',
    })
    expect(output).toMatchObject({ 'exit-code': '0', verdict: 'inconclusive' })
    expect(summary).toMatch(/Inconclusive: order/)
    expect(existsSync(join(at, 'prepared.txt'))).toBe(false)
  })

  it.each([
    ['an event without a base', {}, true, /the event .*has no base; set the input base-ref/],
    ['throughline is not installed', { before: 'x' }, false, /throughline is not installed here/],
    [
      'a base that cannot be fetched',
      { before: 'f'.repeat(40) },
      true,
      /the base f+ cannot be fetched; check out with fetch-depth: 0/,
    ],
  ])('reports why it cannot run: %s', { tags: 'full' }, async (name, event, installed, message) => {
    const { code, output, summary } = await job(checkout(name.replaceAll(' ', '-'), commits.head, installed), event)
    expect({ code, ...output }).toMatchObject({ code: 0, 'exit-code': '2', verdict: 'failed' })
    expect(summary).toMatch(message)
  })

  it('passes on the runner of micro-benchmarks', { tags: 'full' }, async () => {
    const { summary } = await job(checkout('runner', commits.head), {}, { BASE_REF: 'HEAD', BENCH_RUNNER: 'jest' })
    expect(summary).toMatch(/'jest' is invalid\. Allowed choices are vitest, tinybench/)
  })

  it('shows the error of the command', { tags: 'full' }, async () => {
    const { output, summary } = await job(checkout('nope', commits.head), {}, { BASE_REF: 'nope' })
    expect(output).toMatchObject({ 'exit-code': '2', verdict: 'failed' })
    expect(summary).toMatch(
      /^### ❌ The regression gate could not be run\n[\s\S]*'nope' is missing from this shallow clone/,
    )
  })
})
