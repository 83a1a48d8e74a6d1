import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Ended, MAIN } from '../support/command-line.js'

export type Files = Record<string, string | null>

/** A git repository in a temporary folder, and a folder of its own for the temporary files of what runs in it. */
export class Repository {
  readonly root: string
  readonly temporary: string
  private readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'throughline-repository-')))

  /** @param commits the files that each commit adds or changes; null removes one */
  constructor(...commits: Files[]) {
    this.root = join(this.folder, 'project')
    this.temporary = join(this.folder, 'tmp')
    for (const each of [this.root, this.temporary]) mkdirSync(each)
    this.git('init', '--quiet', '--initial-branch=main')
    for (const [name, value] of [
      ['user.name', 'test'],
      ['user.email', 'test@localhost'],
      ['commit.gpgsign', 'false'],
    ] as const) {
      this.git('config', name, value)
    }
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

  commit(files: Files): void {
    this.write(files)
    this.git('add', '--all')
    this.git('commit', '--quiet', '--allow-empty', '--message', 'change')
  }

  /** Starts the command in the repository; `printed` is what it has printed so far. */
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

  /** Runs `compare --base-ref` with this. */
  gate(...args: string[]): Promise<Ended> {
    return this.start(['compare', '--base-ref', ...args]).ended
  }

  /** What is left of working trees of base: what git knows, and temporary files. */
  left(): string[] {
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

/** A scenario in virtual time, exported by a name. */
export const simulated = (name: string, service: string, more = '') =>
  `export const ${name} = { arrivals: '500/s', service: ${service}, stop: { requests: 1000 }${more} }\n`
