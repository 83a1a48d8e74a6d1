import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Files, Repository } from './repository.js'

/** A stand-in for tinybench's Bench, whose tasks take a given time. It runs nothing. */
const SCRIPTED = `export class Bench {
  time = 1000
  all = []
  get tasks() { return this.all }
  add(name, ms) { this.all.push({ name, ms }); return this }
  remove(name) { this.all = this.all.filter((task) => task.name !== name) }
  reset() { for (const task of this.all) task.result = undefined }
  async run() {
    for (const task of this.all) {
      const { ms } = task
      task.result = typeof ms === 'number'
        ? { state: 'completed', latency: { mean: ms, p50: ms, p99: ms }, time: this.time }
        : { state: 'errored', error: new Error(ms) }
    }
  }
}
`

/** Source of a file with tasks and their times; a text is the error of a task. */
const tasksSource = (tasks: Record<string, number | string>) =>
  `import { Bench } from './scripted.js'\nexport const bench = new Bench()\n${Object.entries(tasks)
    .map(([name, ms]) => `bench.add(${JSON.stringify(name)}, ${JSON.stringify(ms)})\n`)
    .join('')}`

/** Files of a project with one file of scripted tasks. */
export const scripted = (tasks: Record<string, number | string>, file = 'a.bench.js'): Files => ({
  'scripted.js': SCRIPTED,
  [file]: tasksSource(tasks),
})

/** Links packages of this repository into `node_modules`. */
export function linkPackages(repository: Repository, ...names: string[]): void {
  for (const name of names) {
    repository.write({ 'node_modules/.keep': '' })
    symlinkSync(
      fileURLToPath(new URL(`../../../node_modules/${name}`, import.meta.url)),
      join(repository.root, 'node_modules', name),
    )
  }
}
