import Database from 'libsql'

export interface Order {
  id: string
  article: string
  pieces: number
}

const SCHEMA = `create table if not exists orders (
  id text primary key,
  article text not null,
  pieces integer not null check (pieces > 0)
)`

/** Opens a database of orders, and creates it if it does not exist. A row is on the disk when its transaction has ended. */
export function openOrders(path: string) {
  const db = new Database(path)
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.exec(SCHEMA)
  const statement = db.prepare('insert into orders (id, article, pieces) values (?, ?, ?)')

  /** Inserts a row. Returns its number, or the error: SQLite undoes only the statement of an invalid row. */
  function insert({ id, article, pieces }: Order): number | Error {
    try {
      return Number(statement.run(id, article, pieces).lastInsertRowid)
    } catch (error) {
      // a fault such as a full disk ends the transaction, with all rows before
      if (!db.inTransaction) throw error
      return error as Error
    }
  }

  return {
    /** Inserts rows in one transaction. Returns the row number or the `Error` of each. */
    insertAll(orders: readonly Order[]): (number | Error)[] {
      db.exec('begin immediate')
      try {
        const numbers = orders.map(insert)
        db.exec('commit')
        return numbers
      } catch (error) {
        if (db.inTransaction) db.exec('rollback')
        throw error
      }
    },
    count: () => Number((db.prepare('select count(*) as rows from orders').get() as { rows: number }).rows),
    close: () => void db.close(),
  }
}
