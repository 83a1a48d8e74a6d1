// Runs the gate in a job of GitHub Actions: finds the base of the event, runs `throughline compare --base-ref`, and writes
// the summary of the job. It always exits with 0. The exit code of the gate is an output, which a later step uses after the
// comment and the artifact.

import { spawn, spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

const { env } = process
const VERDICTS = ['pass', 'fail', 'failed', 'inconclusive']

/** Runs git; null if it fails. */
function git(...args) {
  const { status, stdout } = spawnSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  return status === 0 ? stdout.trim() : null
}

const has = (commit) => spawnSync('git', ['cat-file', '-e', `${commit}^{commit}`], { stdio: 'ignore' }).status === 0

/** Reads the event that started the job. */
function readEvent() {
  const path = env.GITHUB_EVENT_PATH
  return path && existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {}
}

/** Finds the commit before the change, and its name in reports. */
function findBaseCommit(event) {
  const { pull_request: pull, merge_group: group, before } = event
  if (pull) {
    // the merge commit, which is checked out by default, has base as its first parent
    const parents = (git('cat-file', '-p', 'HEAD') ?? '').match(/^parent \w+$/gm) ?? []
    const isMerge = parents.length === 2 && parents[1].endsWith(pull.head?.sha)
    return { commit: isMerge ? parents[0].slice('parent '.length) : pull.base.sha, name: pull.base.ref }
  }
  if (group) return { commit: group.base_sha, name: group.base_ref?.replace('refs/heads/', '') }
  if (before && !/^0+$/.test(before)) return { commit: before, name: env.GITHUB_REF_NAME }
  throw new Error(`the event ${env.GITHUB_EVENT_NAME ?? ''} has no base; set the input base-ref`)
}

/** Finds the value of --base-ref. Fetches the commit if the shallow clone lacks it. */
function findBase() {
  if (env.BASE_REF) return env.BASE_REF
  const { commit, name } = findBaseCommit(readEvent())
  if (!has(commit)) git('fetch', '--no-tags', '--depth=1', 'origin', commit)
  if (!has(commit)) throw new Error(`the base ${commit} cannot be fetched; check out with fetch-depth: 0`)
  const ref = `base/${name}`
  // a ref of this name, so that reports show the branch
  return name && git('update-ref', `refs/${ref}`, commit) !== null ? ref : commit
}

/** Finds the command of the throughline that the project has installed. */
function findCommand() {
  try {
    const manifest = createRequire(resolve('package.json')).resolve('throughline/package.json')
    return join(dirname(manifest), JSON.parse(readFileSync(manifest, 'utf8')).bin.throughline)
  } catch {
    throw new Error('throughline is not installed here; run npm install --save-dev throughline')
  }
}

const splitLines = (text = '') =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')

/** Runs the command, and passes on its output. */
function run(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'pipe'] })
    let output = ''
    child.stderr.setEncoding('utf8').on('data', (text) => {
      process.stderr.write(text)
      output = (output + text).slice(-10_000)
    })
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? 2, output }))
  })
}

const append = (file, text) => file && appendFileSync(file, `${text}\n`)

const folder = mkdtempSync(join(env.RUNNER_TEMP ?? tmpdir(), 'throughline-gate-'))
mkdirSync(folder, { recursive: true })
const report = (extension) => join(folder, `gate.${extension}`)

let code = 2
let output = ''
try {
  const outputs = ['html', 'md', 'xml', 'json'].flatMap((extension) => ['--output', report(extension)])
  const args = [findCommand(), 'compare', '--base-ref', findBase(), ...outputs]
  if (env.BENCH_RUNNER) args.push('--runner', env.BENCH_RUNNER)
  if (env.PREPARE) args.push('--prepare', env.PREPARE)
  if (env.ON_INCONCLUSIVE) args.push('--on-inconclusive', env.ON_INCONCLUSIVE)
  const ended = await run([...args, ...splitLines(env.ARGUMENTS), ...splitLines(env.FILES)])
  code = ended.code
  output = ended.output.replace(/^\d+ % .*\n/gm, '')
} catch (error) {
  output = error.message
  console.log(`::error title=throughline::${output.replaceAll('\n', '%0A')}`)
}

let verdict = 'failed'
if (existsSync(report('json'))) verdict = JSON.parse(readFileSync(report('json'), 'utf8')).verdict
else
  writeFileSync(
    report('md'),
    `### ❌ The regression gate could not be run\n\n\`\`\`text\n${output.replaceAll('`', "'")}\n\`\`\`\n`,
  )
if (verdict === 'inconclusive') console.log('::warning title=throughline::The regression gate is inconclusive')
append(env.GITHUB_STEP_SUMMARY, readFileSync(report('md'), 'utf8'))
for (const [name, value] of Object.entries({
  'exit-code': code,
  verdict: VERDICTS.includes(verdict) ? verdict : 'failed',
  folder,
})) {
  append(env.GITHUB_OUTPUT, `${name}=${value}`)
}
