/** What is used of pako 1, which brings no types. */
declare module 'pako' {
  class Inflate {
    readonly err: number
    readonly ended: boolean
    onData(chunk: Uint8Array): void
    push(data: Uint8Array, last: boolean): boolean
  }
  const pako: { Inflate: typeof Inflate }
  export default pako
}
