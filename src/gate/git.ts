import { execFile } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { relative } from 'node:path'
import { ValidationError } from '../validation/validation-error.js'
import { removeGitVariables, track } from './commands.js'

/** A git repository, and the folder in it where the command runs. */
export interface Repository {
  /** absolute */
  root: string
  /** relative to the root, with `/`; empty for the root */
  folder: string
  /** null before the first commit */
  commit: string | null
  /** null if no branch is checked out */
  branch: string | null
  /** number of files that are new or differ from the commit */
  changes: number
}

/** The commit to compare head with. */
export interface BaseCommit {
  /** as given by the user */
  ref: string
  commit: string
  /** number of its commits that head lacks; null if the clone is too shallow to know */
  ahead: number | null
}

interface GitOutput {
  code: number
  stdout: string
  stderr: string
}

/** Runs git in a folder. Ctrl-C does not interrupt it, since git would leave half-finished work. */
export function runGit(folder: string, ...args: string[]): Promise<GitOutput> {
  return new Promise((resolve, reject) => {
    const env = { ...removeGitVariables(process.env), LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0' }
    const options = { cwd: folder, env, detached: true, maxBuffer: 1e9 }
    const child = execFile('git', args, options, (error, stdout, stderr) => {
      if (error !== null && (error as NodeJS.ErrnoException).code === 'ENOENT') {
        reject(new ValidationError('--base-ref', 'needs git, which is not on the PATH', { cause: error }))
      } else resolve({ code: error === null ? 0 : Number(error.code) || 1, stdout, stderr })
    })
    track(child)
  })
}

/** Runs git and returns its output; throws with its error message if it fails. */
async function readGit(folder: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runGit(folder, ...args)
  if (code === 0) return stdout
  throw new ValidationError('--base-ref', `git ${args[0]} failed: ${findGitError(stderr)}`)
}

/** Finds the line of the error in the output of git, and removes `fatal:`. */
export function findGitError(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '')
  const line = lines.find((each) => /^(fatal|error): /.test(each)) ?? lines.at(-1) ?? 'it printed nothing'
  return line.replace(/^(fatal|error): /, '')
}

/**
 * Finds the repository that contains a folder.
 *
 * @throws ValidationError if there is none, or git does not trust it
 */
export async function openRepository(folder: string): Promise<Repository> {
  const top = await runGit(folder, 'rev-parse', '--show-toplevel')
  if (top.code !== 0) {
    const why = /not a git repository/.test(top.stderr)
      ? `needs a git repository, but ${folder} is not in one; run it inside the repository`
      : `git rev-parse failed: ${findGitError(top.stderr)}`
    throw new ValidationError('--base-ref', why)
  }
  const root = realpathSync(top.stdout.trimEnd())
  const head = await runGit(root, 'rev-parse', '--verify', '--quiet', 'HEAD^{commit}')
  const branch = await runGit(root, 'symbolic-ref', '--quiet', '--short', 'HEAD')
  const status = await readGit(root, 'status', '--porcelain', '-z', '--no-renames')
  return {
    root,
    folder: relative(root, realpathSync(folder)).replaceAll('\\', '/'),
    commit: head.code === 0 ? head.stdout.trim() : null,
    branch: branch.code === 0 ? branch.stdout.trim() : null,
    changes: status.split('\0').filter((line) => line !== '').length,
  }
}

/**
 * Finds the commit of a ref.
 *
 * @throws ValidationError if the ref is unknown, with a remedy
 */
export async function findBase({ root, commit }: Repository, ref: string): Promise<BaseCommit> {
  const found = await resolveCommit(root, ref)
  if (found === null) throw await explainMissingRef(root, ref)
  if (commit === null) return { ref, commit: found, ahead: null }
  const ahead = await runGit(root, 'rev-list', '--count', found, '--not', commit, '--')
  const isWhole = ahead.code === 0 && !(await isShallow(root))
  return { ref, commit: found, ahead: isWhole ? Number(ahead.stdout) : null }
}

async function resolveCommit(root: string, ref: string): Promise<string | null> {
  const found = await runGit(root, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`)
  // some versions print `--end-of-options` too
  return found.code === 0 ? (found.stdout.trim().split('\n').at(-1) as string) : null
}

const isShallow = async (root: string) =>
  (await runGit(root, 'rev-parse', '--is-shallow-repository')).stdout.trim() === 'true'

async function explainMissingRef(root: string, ref: string): Promise<ValidationError> {
  const at = (message: string) => new ValidationError('--base-ref', message)
  if (await isShallow(root)) {
    const [remote, branch] = /^([\w.-]+)\/(.+)$/.exec(ref)?.slice(1) ?? ['origin', ref]
    return at(
      `'${ref}' is missing from this shallow clone; fetch it first: git fetch --depth=1 ${remote} ${branch}:refs/remotes/${remote}/${branch} (in GitHub Actions: actions/checkout with fetch-depth: 0)`,
    )
  }
  const remote = await resolveCommit(root, `origin/${ref}`)
  if (remote !== null) return at(`unknown commit, branch or tag '${ref}'; did you mean 'origin/${ref}'?`)
  const { stdout } = await runGit(
    root,
    'for-each-ref',
    '--format=%(refname:short)',
    '--count=8',
    'refs/heads',
    'refs/remotes',
  )
  const names = stdout.split('\n').filter((each) => each !== '')
  const known = names.length === 0 ? '' : `; known: ${names.join(', ')}`
  return at(`unknown commit, branch or tag '${ref}'; run git fetch to update those of a remote${known}`)
}

/** Lists the files below a folder that match patterns: tracked files, and new ones that git does not ignore. */
export async function listFiles(folder: string, patterns: readonly string[]): Promise<string[]> {
  const globs = patterns.map((pattern) => `:(glob)${pattern}`)
  const listed = await readGit(folder, 'ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', ...globs)
  const names = listed.split('\0').filter((name) => name !== '' && !name.split('/').includes('node_modules'))
  return [...new Set(names)].sort()
}
