import { spawnSync } from 'node:child_process'
import { connect, createServer, type Socket } from 'node:net'
import { freePort } from './redis.js'

/** A part of the network that can be cut off from this one: connections stay open, and nothing arrives. */
export interface Partition {
  /** an address of this machine, by which the part reaches it */
  host: string
  /** the command that starts a program in the part */
  under: string[]
  /** what the part calls a port of this machine */
  portOf(port: number): Promise<number>
  cut(): void
  heal(): void
  remove(): void
}

const ip = (...args: string[]) => spawnSync('ip', args).status === 0

/** A network namespace with a link to this one; null where the system does not allow it. */
export function namespacePartition(): Partition | null {
  const id = process.pid % 250
  const [name, outer, inner] = [`throughline-${id}`, `tl${id}-outer`, `tl${id}-inner`]
  const host = `198.18.${id}.1`
  const remove = () => {
    ip('link', 'delete', outer)
    ip('netns', 'delete', name)
  }
  const made =
    ip('netns', 'add', name) &&
    ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', inner, 'netns', name) &&
    ip('address', 'add', `${host}/30`, 'dev', outer) &&
    ip('link', 'set', outer, 'up') &&
    ip('-n', name, 'address', 'add', `198.18.${id}.2/30`, 'dev', inner) &&
    ip('-n', name, 'link', 'set', inner, 'up') &&
    ip('netns', 'exec', name, 'true')
  if (!made) {
    remove()
    return null
  }
  return {
    host,
    under: ['ip', 'netns', 'exec', name],
    portOf: async (port) => port,
    cut: () => ip('link', 'set', outer, 'down'),
    heal: () => ip('link', 'set', outer, 'up'),
    remove,
  }
}

/** A proxy that stops to forward what it receives. */
export function proxyPartition(): Partition {
  const sockets = new Set<Socket>()
  const servers: ReturnType<typeof createServer>[] = []
  let isCut = false
  return {
    host: '127.0.0.1',
    under: [],
    async portOf(port) {
      const server = createServer((client) => {
        const upstream = connect(port, '127.0.0.1')
        for (const [from, to] of [
          [client, upstream],
          [upstream, client],
        ] as const) {
          sockets.add(from)
          from.on('error', () => to.destroy())
          from.on('close', () => to.destroy())
          from.on('data', (chunk) => to.write(chunk))
          if (isCut) from.pause()
        }
      })
      servers.push(server)
      const own = await freePort()
      await new Promise<void>((resolve) => server.listen(own, '127.0.0.1', resolve))
      return own
    },
    cut() {
      isCut = true
      for (const socket of sockets) socket.pause()
    },
    heal() {
      isCut = false
      for (const socket of sockets) socket.resume()
    },
    remove() {
      for (const socket of sockets) socket.destroy()
      for (const server of servers) server.close()
    },
  }
}
