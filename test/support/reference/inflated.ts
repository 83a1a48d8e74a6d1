import { inflateSync } from 'node:zlib'

/** The bytes that an encoded histogram deflates: those of one histogram are the same, however they are deflated. */
export function inflated(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.readInt32BE(0) !== 0x1c849314) throw new RangeError('has another cookie than a compressed HdrHistogram')
  if (bytes.readInt32BE(4) !== bytes.length - 8) throw new RangeError('does not have the length in its header')
  return inflateSync(bytes.subarray(8))
}
