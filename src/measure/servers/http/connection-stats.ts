import type { Socket } from 'node:net'
import type { buildConnector } from 'undici'
import { LatencyHistogram } from '../../../histogram/latency-histogram.js'
import { mostOpenFiles } from '../../../machine/open-files.js'
import type { ConnectionsRecording } from '../../../result/connections.js'
import type { Finding } from '../../../result/validity.js'
import { sumBy } from '../../../statistics/descriptive.js'
import { count } from '../../../text/number.js'
import type { Clock } from '../../clock/clock.js'
import type { Window } from '../../recording/window.js'

/** When a connection's set-up began, and when its name was looked up and TCP connected, as far as it has those steps. */
interface Setup {
  startNs: number
  lookedUpNs: number | null
  connectedNs: number | null
  isTls: boolean
  /** whether its steps can be seen: not through a tunnel */
  hasSteps: boolean
}

/** The connections of a run: how many were opened, how long that took, and the bytes on them. */
export class ConnectionStats {
  readonly #clock: Clock
  readonly #window: Pick<Window, 'startNs' | 'endNs'>
  readonly #open = new Set<Socket>()
  readonly #steps = {
    setup: new LatencyHistogram(),
    dns: new LatencyHistogram(),
    tcp: new LatencyHistogram(),
    tls: new LatencyHistogram(),
  }
  /** the connections that could not be set up, by the code of the error */
  readonly #failed = new Map<string, number>()
  #openedInWindow = 0
  #closed = 0
  /** of closed connections */
  #sentBytes = 0
  #receivedBytes = 0

  constructor(window: Pick<Window, 'startNs' | 'endNs'>, clock: Clock) {
    this.#window = window
    this.#clock = clock
  }

  /** Makes a connector that records each connection which the given one sets up. */
  observe(connect: buildConnector.connector): buildConnector.connector {
    return (options, callback) => {
      const isTls = options.protocol === 'https:'
      const setup: Setup = { startNs: this.#clock(), lookedUpNs: null, connectedNs: null, isTls, hasSteps: false }
      // undici's own connectors return the socket before it is connected
      const pending = connect(options, (...[error, socket]: buildConnector.CallbackArgs) => {
        if (error === null) this.#add(socket, setup)
        else this.#fail(error)
        callback(...([error, socket] as buildConnector.CallbackArgs))
      }) as unknown as Socket | undefined
      if (typeof pending?.once !== 'function') return
      setup.hasSteps = true
      pending.once('lookup', (error) => {
        if (error === null) setup.lookedUpNs = this.#clock()
      })
      pending.once('connect', () => {
        setup.connectedNs = this.#clock()
      })
    }
  }

  #add(socket: Socket, { startNs, lookedUpNs, connectedNs, isTls, hasSteps }: Setup): void {
    const nowNs = this.#clock()
    const steps = this.#steps
    steps.setup.record(nowNs - startNs)
    if (lookedUpNs !== null) steps.dns.record(lookedUpNs - startNs)
    if (hasSteps) {
      // without TLS, both come with one event
      const tcpNs = isTls ? (connectedNs ?? nowNs) : nowNs
      steps.tcp.record(tcpNs - (lookedUpNs ?? startNs))
      if (isTls) steps.tls.record(nowNs - tcpNs)
    }
    if (nowNs >= this.#window.startNs && nowNs < this.#window.endNs) this.#openedInWindow++
    this.#open.add(socket)
    // the kind of a failure depends on whether the connection has been used before
    socket.once('error', (error) => Object.assign(error, { bytesRead: socket.bytesRead }))
    socket.once('close', () => {
      this.#open.delete(socket)
      this.#closed++
      this.#sentBytes += socket.bytesWritten
      this.#receivedBytes += socket.bytesRead
    })
  }

  #fail(error: Error): void {
    const { code = '', errors } = error as NodeJS.ErrnoException & { errors?: NodeJS.ErrnoException[] }
    const own = code || (errors?.[0]?.code ?? '')
    this.#failed.set(own, (this.#failed.get(own) ?? 0) + 1)
  }

  /** What is recorded so far. */
  recording(): ConnectionsRecording {
    const open = [...this.#open]
    const { setup, dns, tcp, tls } = this.#steps
    return {
      opened: setup.count,
      openedInWindow: this.#openedInWindow,
      closed: this.#closed,
      failed: sumBy([...this.#failed.values()], (connections) => connections),
      sentBytes: this.#sentBytes + sumBy(open, ({ bytesWritten }) => bytesWritten),
      receivedBytes: this.#receivedBytes + sumBy(open, ({ bytesRead }) => bytesRead),
      steps: { setup: setup.snapshot(), dns: dns.snapshot(), tcp: tcp.snapshot(), tls: tls.snapshot() },
    }
  }

  /** Reports what this machine did not have enough of. */
  findings(): Finding[] {
    const [code, connections] = [...this.#failed].find(([code]) => code in SHORTAGES) ?? []
    if (code === undefined || connections === undefined) return []
    return [
      {
        code: 'no-more-connections',
        severity: 'error',
        message: `${count(connections)} connections could not be opened, because ${shortage(code)}: those requests failed on this machine, not on the server`,
        figures: { connections },
      },
    ]
  }
}

export const RAISE_OPEN_FILES =
  'raise its hard limit of open files (ulimit -Hn, LimitNOFILE of systemd, --ulimit nofile of Docker)'

/** Errors of this machine, not of the server. */
const SHORTAGES: Record<string, (most: string) => string> = {
  EMFILE: (most) =>
    `this process has reached its limit of ${most}open files and sockets (EMFILE); ${RAISE_OPEN_FILES}, or set http.connections`,
  ENFILE: () =>
    'this machine has reached its limit of open files and sockets (ENFILE); raise fs.file-max, or set http.connections',
  EADDRNOTAVAIL: () =>
    'this machine has no more free local ports for that server (EADDRNOTAVAIL); raise net.ipv4.ip_local_port_range, keep connections alive, set http.connections, or send from more machines',
}

/** What a machine lacks if connections fail with this code, and what to raise; null if the code says nothing of it. */
export function shortage(code: string): string | null {
  const describe = SHORTAGES[code]
  if (describe === undefined) return null
  const most = mostOpenFiles()
  return describe(most === null ? '' : `${count(most)} `)
}
