import type { HttpEvent } from '../../../scenario/http/answer.js'

/** Finds the events in the body of a response while it arrives. */
export interface EventReader {
  /** how many characters are kept of an event that has not ended */
  readonly kept: number
  /** Returns the events that end in a piece of the body. */
  read(chunk: Uint8Array): readonly HttpEvent[]
  /** Returns the event that ends with the body. */
  end(): readonly HttpEvent[]
}

const JSON_LINES = /^application\/(x-ndjson|ndjson|jsonl|x-jsonlines|jsonlines|json-lines)$/

/** Creates the reader for a content type: of an event stream, of JSON lines, or of any other body by its pieces. */
export function createEventReader(contentType: string): EventReader {
  const type = (contentType.split(';')[0] as string).trim().toLowerCase()
  if (type === 'text/event-stream') return new EventStreamReader()
  return JSON_LINES.test(type) ? new LineReader() : new ChunkReader()
}

/** Every piece of the body is an event. */
class ChunkReader implements EventReader {
  readonly kept = 0
  readonly #decoder = new TextDecoder()

  read(chunk: Uint8Array): HttpEvent[] {
    return [{ type: 'chunk', data: this.#decoder.decode(chunk, { stream: true }) }]
  }
  end(): HttpEvent[] {
    return []
  }
}

/** Every line that is not blank is an event, the last one too if the body ends in it. */
class LineReader implements EventReader {
  readonly #lines = new Lines()

  get kept(): number {
    return this.#lines.rest.length
  }
  read(chunk: Uint8Array): HttpEvent[] {
    return this.#lines.take(chunk).flatMap(lineEvent)
  }
  end(): HttpEvent[] {
    return lineEvent(this.#lines.rest)
  }
}

const lineEvent = (data: string): HttpEvent[] => (data.trim() === '' ? [] : [{ type: 'line', data }])

/**
 * Reads an event stream, as browsers do (HTML Standard, 9.2.6): a blank line ends an event. One without data, such as a
 * comment, does not count, nor does one that the end of the body cuts off.
 */
class EventStreamReader implements EventReader {
  readonly #lines = new Lines()
  #type = ''
  #data: string[] = []
  #keptData = 0

  get kept(): number {
    return this.#lines.rest.length + this.#keptData
  }
  read(chunk: Uint8Array): HttpEvent[] {
    const events: HttpEvent[] = []
    for (const line of this.#lines.take(chunk)) {
      if (line !== '') this.#field(line)
      else {
        const data = this.#data.join('\n')
        if (data !== '') events.push({ type: this.#type || 'message', data })
        this.#type = ''
        this.#data = []
        this.#keptData = 0
      }
    }
    return events
  }
  end(): HttpEvent[] {
    return []
  }

  #field(line: string): void {
    const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
    if (name === 'data') {
      this.#data.push(value)
      // with the line end between two of them
      this.#keptData += value.length + 1
    } else if (name === 'event') this.#type = value
  }
}

/** Splits UTF-8 that arrives in pieces into lines, which end with CR, LF or both. */
class Lines {
  readonly #decoder = new TextDecoder()
  #endedInCr = false
  /** the line that has not ended */
  rest = ''

  /** Returns the lines that end in a piece. */
  take(chunk: Uint8Array): string[] {
    let text = this.#decoder.decode(chunk, { stream: true })
    if (text === '') return []
    // the LF of a line end that two pieces share
    if (this.#endedInCr && text.startsWith('\n')) text = text.slice(1)
    this.#endedInCr = text.endsWith('\r')
    const lines = text.split(/\r\n|[\r\n]/)
    lines[0] = this.rest + lines[0]
    this.rest = lines.pop() as string
    return lines
  }
}
