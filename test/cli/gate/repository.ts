import { execFileSync, spawn } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll } from 'vitest'
import type { GateReport } from '../../../src/gate/gate-report.js'
import { type Ended, MAIN } from '../../support/processes/command-line.js'

export type Files = Record<string, string | null>

/** A git repository in a temporary folder, and a separate folder for the temporary files of its commands. */
export class Repository {
  readonly root: string
  readonly temporary: string
  private readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'throughline-repository-')))

  /** @param commits the files that each commit adds or changes; null removes a file */
  constructor(...commits: Files[]) {
    this.root = join(this.folder, 'project')
    this.temporary = join(this.folder, 'tmp')
    for (const each of [this.root, this.temporary]) mkdirSync(each)
    this.git('init', '--quiet', '--initial-branch=main')
    appendFileSync(
      join(this.root, '.git/config'),
      '[user]\n\tname = test\n\temail = test@localhost\n[commit]\n\tgpgsign = false\n',
    )
    for (const files of commits) this.commit(files)
  }

  git(...args: string[]): string {
    return execFileSync('git', args, { cwd: this.root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
  }

  write(files: Files): void {
    for (const [name, text] of Object.entries(files)) {
      const path = join(this.root, name)
      mkdirSync(dirname(path), { recursive: true })
      if (text === null) rmSync(path)
      else writeFileSync(path, text)
    }
  }

  /** Installs a package into `node_modules`. */
  install(name: string, text: string): void {
    const folder = join(this.root, 'node_modules', name)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{ "type": "module", "exports": "./index.js" }')
    writeFileSync(join(folder, 'index.js'), text)
  }

  commit(files: Files): void {
    this.write(files)
    this.git('add', '--all')
    this.git('commit', '--quiet', '--allow-empty', '--message', 'change')
  }

  /** Starts the command in the repository; `printed` is its output so far. */
  start(args: readonly string[], { folder = '.', path }: { folder?: string; path?: string } = {}) {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: join(this.root, folder),
      env: {
        ...process.env,
        TMPDIR: this.temporary,
        ...(path !== undefined && { PATH: `${path}:${process.env.PATH}` }),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const printed = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text) => {
        printed[name] += text
      })
    }
    const ended = new Promise<Ended>((resolve) => {
      child.on('close', (code, signal) =>
        resolve({ code, signal, ...printed, stderr: printed.stderr.replace(/^\d+ % .*\n/gm, '') }),
      )
    })
    return { child, printed, ended }
  }

  /** Runs `compare --base-ref` with these arguments. */
  gate(...args: string[]): Promise<Ended> {
    return this.start(['compare', '--base-ref', ...args]).ended
  }

  /** Lists what is left of the worktrees of base: entries of git and temporary files. */
  leftovers(): string[] {
    const [own, ...others] = this.git('worktree', 'list').split('\n')
    return [
      ...(own === undefined ? ['the own working tree is missing'] : []),
      ...others,
      ...readdirSync(this.temporary),
    ]
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Source of a named export: a scenario in virtual time. */
export const scenarioSource = (name: string, service: string, more = '') =>
  `export const ${name} = { arrivals: '500/s', service: ${service}, stop: { requests: 1000 }${more} }\n`

/** Files of a project with one scenario, whose service time is in a module. */
export const shop = (ms: number, more = '') => ({
  'cost.js': `export const cost = '${ms}ms'\n`,
  'shop.throughline.js': `import { cost } from './cost.js'\n${scenarioSource('order', 'cost', more)}`,
})

/** A scenario whose service time is in the package `pricing`. */
export const PRICED = { 'a.throughline.js': `import { cost } from 'pricing'\n${scenarioSource('order', 'cost')}` }
export const IGNORED = { '.gitignore': 'node_modules\n' }

/** Returns a function that makes repositories, which are removed after the tests of the file. */
export function makeRepositories(): (...commits: Files[]) => Repository {
  const repositories: Repository[] = []
  afterAll(() => {
    for (const each of repositories) each.remove()
  })
  return (...commits) => {
    const repository = new Repository({ 'package.json': '{ "type": "module" }' }, ...commits)
    repositories.push(repository)
    return repository
  }
}

export const readReport = (stdout: string): GateReport => JSON.parse(stdout)

/** Waits until a condition holds. */
export async function until(holds: () => boolean): Promise<void> {
  for (let waited = 0; !holds(); waited += 20) {
    if (waited > 30_000) throw new Error('the condition never held')
    await sleep(20)
  }
}
