import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { createBatcher } from 'throughline'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Order, openOrders } from '../../examples/sqlite/orders.ts'

let folder: string
let files = 0
let path: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'throughline-'))
})
afterAll(() => rmSync(folder, { recursive: true }))
beforeEach(() => {
  path = join(folder, `${files++}.db`)
})

/** Reads the file through another connection. */
function inFile(): Order[] {
  const db = new Database(path)
  const rows = db.prepare('select id, article, pieces from orders order by rowid').all() as Order[]
  db.close()
  return rows.map(({ id, article, pieces }) => ({ id, article, pieces }))
}

const order = (id: string, pieces = 1, article = 'pencil'): Order => ({ id, article, pieces })

/** Inserts all orders in batches of up to `maxBatchSize`, and returns each caller's answer. */
async function insert(orders: Order[], maxBatchSize: number): Promise<(number | string)[]> {
  const store = openOrders(path)
  const batcher = createBatcher(store.insertAll, { batching: { maxBatchSize, maxWait: '1m' } })
  const settled = Promise.allSettled(orders.map((each) => batcher.run(each)))
  await batcher.close()
  const answers = await settled
  store.close()
  return answers.map((each) => (each.status === 'fulfilled' ? each.value : each.reason.message))
}

describe('the SQLite example', () => {
  it.each([1, 3, 64])(
    'stores all rows in batches of up to %i, and notifies each caller of its own',
    async (maxBatchSize) => {
      const orders = Array.from({ length: 20 }, (_, i) => order(`order ${i}`, 1 + i))
      expect(await insert(orders, maxBatchSize)).toEqual(orders.map((_, i) => i + 1))
      expect(inFile()).toEqual(orders)
    },
  )

  it('rejects an invalid row only to its caller', async () => {
    const orders = [order('a'), order('b', 0), order('a', 7), order('c', 3), order('d', 1, null as never), order('e')]
    expect(await insert(orders, 64)).toEqual([
      1,
      'CHECK constraint failed: pieces > 0',
      'UNIQUE constraint failed: orders.id',
      2,
      'NOT NULL constraint failed: orders.article',
      3,
    ])
    expect(inFile()).toEqual([order('a'), order('c', 3), order('e')])
  })

  it('rejects all rows of a failed transaction, stores none of them, and continues', async () => {
    const store = openOrders(path)
    const other = new Database(path)
    const poisoned = `before insert on orders when new.article = 'poison' begin select raise(rollback, 'poisoned'); end`
    other.exec(`create trigger poison ${poisoned}`)
    other.close()
    store.close()
    const orders = [order('a'), order('b', 1, 'poison'), order('c')]
    expect(await insert(orders, 3)).toEqual(['poisoned', 'poisoned', 'poisoned'])
    expect(inFile()).toEqual([])
    expect(await insert([order('a')], 3)).toEqual([1])
  })
})
