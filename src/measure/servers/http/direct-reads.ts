import type { Socket } from 'node:net'
import type { buildConnector } from 'undici'

/** How much a socket reads at a time, as Node's sockets do. */
const LENGTH = 65_536
/** what a socket has read, until it is taken */
const UNREAD = Symbol('unread')

interface DirectSocket extends Socket {
  [UNREAD]: Buffer | null
}

let memory: Buffer | undefined

/**
 * Builds a connector of sockets that pass on each chunk immediately. Node's sockets allocate 64 kB for each read, queue what
 * came, and announce it in a later tick. These read into one buffer, which they all share, and pass on a copy.
 *
 * @param build builds a connector with these options
 */
export function connectDirectly(
  build: typeof buildConnector,
  options: buildConnector.BuildOptions,
): buildConnector.connector {
  memory ??= Buffer.allocUnsafeSlow(LENGTH)
  const connect = build({ ...options, onread: { buffer: memory, callback: deliver } })
  return (to, callback) => {
    const socket: unknown = connect(to, callback)
    return Object.assign(socket as DirectSocket, { [UNREAD]: null, read })
  }
}

/** Passes the chunk to the `readable` listener. Unread data goes to the socket's own buffer. */
function deliver(this: unknown, length: number, buffer: Uint8Array): boolean {
  const socket = this as DirectSocket
  const chunk = Buffer.allocUnsafe(length)
  ;(buffer as Buffer).copy(chunk, 0, 0, length)
  socket[UNREAD] = chunk
  socket.emit('readable')
  const left = socket[UNREAD]
  if (left === null) return true
  socket[UNREAD] = null
  return socket.push(left)
}

function read(this: DirectSocket, size?: number): unknown {
  if (size === undefined) {
    const chunk = this[UNREAD]
    this[UNREAD] = null
    if (chunk !== null || this.readableLength === 0) return chunk
  }
  // the socket's own
  return (Object.getPrototypeOf(this) as Socket).read.call(this, size)
}
