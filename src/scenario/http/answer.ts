/** The response to a request, as a check gets it. */
export interface HttpAnswer {
  /** the number of the request, from 0; in a shard that in the whole stream */
  readonly index: number
  readonly status: number
  /** by lower-case name; several of one name as a list */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** the body, decompressed */
  readonly body: Uint8Array
  /** The body as text, in UTF-8. */
  text(): string
  /** The body parsed as JSON; throws if it is not JSON. */
  json(): unknown
}

/** An event of a response that streams. */
export interface HttpEvent {
  /** of an event stream the type of the event, which is `message` if it has none; else `line` or `chunk` */
  readonly type: string
  /** the text of the event: the data of an event of an event stream, a line, or a piece of the body */
  readonly data: string
}

/** Decides whether an event of a response counts. One that throws makes the request fail. */
export type HttpEventFilter = (event: HttpEvent) => unknown

/**
 * Decides whether a response is a success: true or nothing if it is, or else a string that says what is wrong with it. One
 * that throws is a failure too.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a function without a return statement is a check that only throws
export type HttpCheck = (answer: HttpAnswer) => boolean | string | undefined | void
