import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { throwIfAborted } from '../validation/realm.js'
import { ValidationError } from '../validation/validation-error.js'
import { withoutGit } from './commands.js'
import { type BaseCommit, git, gitSaid, type Repository } from './git.js'

/** Those that are not removed yet. */
const there = new Set<BaseWorktree>()

/** Removes all of them. It is synchronous, so that it works while the process exits. */
export function removeBaseWorktrees(): void {
  for (const each of there) each.remove()
}

/**
 * A working tree of the base commit in a temporary folder. It is there until `remove` is called or the process exits,
 * whichever comes first.
 */
export class BaseWorktree {
  /** its folder, absolute */
  readonly root: string
  private readonly temporary: string
  private readonly repository: Repository

  private constructor(repository: Repository) {
    this.repository = repository
    this.temporary = realpathSync(mkdtempSync(join(tmpdir(), 'throughline-base-')))
    this.root = join(this.temporary, 'base')
    // a loaded module may end the process
    if (there.size === 0) process.once('exit', removeBaseWorktrees)
    there.add(this)
  }

  /**
   * Checks a commit out.
   *
   * @throws ValidationError with the words of git if it cannot be checked out
   */
  static async add(
    repository: Repository,
    { commit }: BaseCommit,
    signal?: AbortSignal | undefined,
  ): Promise<BaseWorktree> {
    const worktree = new BaseWorktree(repository)
    try {
      // a hook that runs after each checkout is for the working tree of a person
      const quietly = ['-c', 'core.hooksPath=/dev/null', '-c', 'advice.detachedHead=false']
      const added = await git(repository.root, ...quietly, 'worktree', 'add', '--detach', worktree.root, commit)
      if (added.code !== 0) {
        throw new ValidationError(
          '--base-ref',
          `its files cannot be checked out into ${worktree.root}: ${gitSaid(added.stderr)}`,
        )
      }
      throwIfAborted(signal)
      return worktree
    } catch (error) {
      worktree.remove()
      throw error
    }
  }

  /** Removes the working tree and what git has noted of it. */
  remove(): void {
    if (!there.delete(this)) return
    if (there.size === 0) process.off('exit', removeBaseWorktrees)
    const { root } = this.repository
    const run = (...args: string[]) =>
      spawnSync('git', args, { cwd: root, env: withoutGit(process.env), stdio: 'ignore', detached: true } as object)
    if (existsSync(this.root)) run('worktree', 'remove', '--force', '--force', this.root)
    rmSync(this.temporary, { recursive: true, force: true, maxRetries: 3 })
    // of a checkout that failed halfway, or that git would not remove
    if (this.isListed()) run('worktree', 'prune')
  }

  private isListed(): boolean {
    const { stdout } = spawnSync('git', ['worktree', 'list', '--porcelain'], {
      cwd: this.repository.root,
      env: withoutGit(process.env),
      encoding: 'utf8',
    })
    return typeof stdout === 'string' && stdout.includes(this.root)
  }
}
