import { execFile } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { relative } from 'node:path'
import { ValidationError } from '../validation/validation-error.js'
import { track, withoutGit } from './commands.js'

/** A git repository, and the folder of it that a command is run in. */
export interface Repository {
  /** absolute */
  root: string
  /** from the root, with `/`; empty at the root itself */
  folder: string
  /** null before the first commit */
  commit: string | null
  /** null if no branch is checked out */
  branch: string | null
  /** how many files differ from the commit, or are new */
  changes: number
}

/** A commit that head is compared with. */
export interface BaseCommit {
  /** as it was asked for */
  ref: string
  commit: string
  /** how many of its commits head lacks; null if a shallow clone does not say */
  ahead: number | null
}

interface Ran {
  code: number
  stdout: string
  stderr: string
}

/** Runs git in a folder. It is not interrupted by Ctrl-C, which would leave half of its work. */
export function git(folder: string, ...args: string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const env = { ...withoutGit(process.env), LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0' }
    const options = { cwd: folder, env, detached: true, maxBuffer: 1e9 }
    const child = execFile('git', args, options, (error, stdout, stderr) => {
      if (error !== null && (error as NodeJS.ErrnoException).code === 'ENOENT') {
        reject(new ValidationError('--base-ref', 'needs git, which was not found on the PATH', { cause: error }))
      } else resolve({ code: error === null ? 0 : Number(error.code) || 1, stdout, stderr })
    })
    track(child)
  })
}

/** What git prints; an error with its own words if it fails. */
async function output(folder: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await git(folder, ...args)
  if (code === 0) return stdout
  throw new ValidationError('--base-ref', `git ${args[0]} failed: ${gitSaid(stderr)}`)
}

/** The first line that says what is wrong, without its `fatal:`. */
export function gitSaid(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '')
  const line = lines.find((each) => /^(fatal|error): /.test(each)) ?? lines.at(-1) ?? 'it says nothing'
  return line.replace(/^(fatal|error): /, '')
}

/**
 * The repository that a folder is in.
 *
 * @throws ValidationError if it is in none, or git does not trust it
 */
export async function openRepository(folder: string): Promise<Repository> {
  const top = await git(folder, 'rev-parse', '--show-toplevel')
  if (top.code !== 0) {
    const why = /not a git repository/.test(top.stderr)
      ? `needs a git repository, and ${folder} is in none`
      : `git rev-parse failed: ${gitSaid(top.stderr)}`
    throw new ValidationError('--base-ref', why)
  }
  const root = realpathSync(top.stdout.trimEnd())
  const head = await git(root, 'rev-parse', '--verify', '--quiet', 'HEAD^{commit}')
  const branch = await git(root, 'symbolic-ref', '--quiet', '--short', 'HEAD')
  const status = await output(root, 'status', '--porcelain', '-z', '--no-renames')
  return {
    root,
    folder: relative(root, realpathSync(folder)).replaceAll('\\', '/'),
    commit: head.code === 0 ? head.stdout.trim() : null,
    branch: branch.code === 0 ? branch.stdout.trim() : null,
    changes: status.split('\0').filter((line) => line !== '').length,
  }
}

/**
 * The commit that a ref names.
 *
 * @throws ValidationError if it names none here, with what to do
 */
export async function findBase({ root, commit }: Repository, ref: string): Promise<BaseCommit> {
  const found = await commitOf(root, ref)
  if (found === null) throw await missing(root, ref)
  if (commit === null) return { ref, commit: found, ahead: null }
  const ahead = await git(root, 'rev-list', '--count', found, '--not', commit, '--')
  const isWhole = ahead.code === 0 && !(await isShallow(root))
  return { ref, commit: found, ahead: isWhole ? Number(ahead.stdout) : null }
}

async function commitOf(root: string, ref: string): Promise<string | null> {
  const found = await git(root, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`)
  // `--end-of-options` itself is printed by some versions
  return found.code === 0 ? (found.stdout.trim().split('\n').at(-1) as string) : null
}

const isShallow = async (root: string) =>
  (await git(root, 'rev-parse', '--is-shallow-repository')).stdout.trim() === 'true'

async function missing(root: string, ref: string): Promise<ValidationError> {
  const at = (message: string) => new ValidationError('--base-ref', message)
  if (await isShallow(root)) {
    const [remote, branch] = /^([\w.-]+)\/(.+)$/.exec(ref)?.slice(1) ?? ['origin', ref]
    return at(
      `there is no '${ref}' in this clone, which is shallow; fetch it first: git fetch --depth=1 ${remote} ${branch}:refs/remotes/${remote}/${branch} (in GitHub Actions: actions/checkout with fetch-depth: 0)`,
    )
  }
  const remote = await commitOf(root, `origin/${ref}`)
  if (remote !== null) return at(`there is no commit, branch or tag '${ref}' here; did you mean 'origin/${ref}'?`)
  const { stdout } = await git(
    root,
    'for-each-ref',
    '--format=%(refname:short)',
    '--count=8',
    'refs/heads',
    'refs/remotes',
  )
  const there = stdout.split('\n').filter((each) => each !== '')
  const known = there.length === 0 ? '' : `; there are ${there.join(', ')}`
  return at(`there is no commit, branch or tag '${ref}' here; git fetch gets what a remote has${known}`)
}

/** Files below a folder that match patterns: those that git knows, and new ones that it does not ignore. */
export async function filesIn(folder: string, patterns: readonly string[]): Promise<string[]> {
  const globs = patterns.map((pattern) => `:(glob)${pattern}`)
  const listed = await output(folder, 'ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', ...globs)
  const names = listed.split('\0').filter((name) => name !== '' && !name.split('/').includes('node_modules'))
  return [...new Set(names)].sort()
}
