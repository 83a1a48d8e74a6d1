import { z } from 'zod'
import { type ByHash, HASH_ONLY_ERROR } from './by-hash.js'

const byHash = z
  .strictObject({ count: z.number(), hash: z.string() })
  .refine(() => false, { error: HASH_ONLY_ERROR })
  .transform((value): ByHash => value)

/** A schema of lists that refuses a hashed list with a message of its own. */
export function listed<Output, Input>(list: z.ZodType<Output[], Input>, error: string) {
  return z.union([list, byHash], { error })
}
