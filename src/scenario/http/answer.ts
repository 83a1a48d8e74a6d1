/** The response to a request, as a check gets it. */
export interface HttpAnswer {
  /** the number of the request */
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

/**
 * Decides whether a response is a success: true or nothing if it is, or else a text that says what is wrong with it. One
 * that throws is a failure too.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a function without a return statement is a check that only throws
export type HttpCheck = (answer: HttpAnswer) => boolean | string | undefined | void
