import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { throwIfAborted } from '../validation/realm.js'
import { ValidationError } from '../validation/validation-error.js'
import { removeGitVariables } from './commands.js'
import { type BaseCommit, findGitError, type Repository, runGit } from './git.js'

/** The worktrees that are not yet removed. */
const worktrees = new Set<BaseWorktree>()

/** Removes all worktrees. It is synchronous, so that it also works while the process exits. */
export function removeBaseWorktrees(): void {
  for (const each of worktrees) each.remove()
}

/** A git worktree of the base commit in a temporary folder. `remove` or the exit of the process removes it. */
export class BaseWorktree {
  /** absolute path of its folder */
  readonly root: string
  private readonly temporary: string
  private readonly repository: Repository

  private constructor(repository: Repository) {
    this.repository = repository
    this.temporary = realpathSync(mkdtempSync(join(tmpdir(), 'throughline-base-')))
    this.root = join(this.temporary, 'base')
    // a loaded module may end the process
    if (worktrees.size === 0) process.once('exit', removeBaseWorktrees)
    worktrees.add(this)
  }

  /**
   * Checks out a commit.
   *
   * @throws ValidationError with the message of git if the checkout fails
   */
  static async add(
    repository: Repository,
    { commit }: BaseCommit,
    signal?: AbortSignal | undefined,
  ): Promise<BaseWorktree> {
    const worktree = new BaseWorktree(repository)
    try {
      // hooks that run after a checkout are meant for the user's working tree
      const quietly = ['-c', 'core.hooksPath=/dev/null', '-c', 'advice.detachedHead=false']
      const added = await runGit(repository.root, ...quietly, 'worktree', 'add', '--detach', worktree.root, commit)
      if (added.code !== 0) {
        throw new ValidationError(
          '--base-ref',
          `cannot check out ${commit} into ${worktree.root}: ${findGitError(added.stderr)}`,
        )
      }
      throwIfAborted(signal)
      return worktree
    } catch (error) {
      worktree.remove()
      throw error
    }
  }

  /** Removes the worktree and git's record of it. */
  remove(): void {
    if (!worktrees.delete(this)) return
    if (worktrees.size === 0) process.off('exit', removeBaseWorktrees)
    const { root } = this.repository
    const run = (...args: string[]) =>
      spawnSync('git', args, {
        cwd: root,
        env: removeGitVariables(process.env),
        stdio: 'ignore',
        detached: true,
      } as object)
    if (existsSync(this.root)) run('worktree', 'remove', '--force', '--force', this.root)
    rmSync(this.temporary, { recursive: true, force: true, maxRetries: 3 })
    // after a checkout that failed halfway, or that git refused to remove
    if (this.isListed()) run('worktree', 'prune')
  }

  private isListed(): boolean {
    const { stdout } = spawnSync('git', ['worktree', 'list', '--porcelain'], {
      cwd: this.repository.root,
      env: removeGitVariables(process.env),
      encoding: 'utf8',
    })
    return typeof stdout === 'string' && stdout.includes(this.root)
  }
}
