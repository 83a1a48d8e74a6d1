import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

// the server of the examples; it does not keep a process alive
const server = createServer(({ url }, response) => {
  if (url === '/login') response.writeHead(302, { location: '/home' })
  if (url === '/busy') response.statusCode = 503
  response.end(JSON.stringify({ stock: url === '/items/8' ? 0 : 5 }))
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
server.unref()

export const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
await writeFile('items.csv', 'id,name\n7,Tea\n8,Coffee\n9,Milk\n')
