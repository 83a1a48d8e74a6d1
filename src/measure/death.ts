/** A server whose thread ended before its work was done. */
export interface Death {
  server: number
  atNs: number
  error: Error
  /** how many requests it was serving, which have failed with it */
  requests: number
}
