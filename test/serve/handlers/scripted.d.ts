import type { Handler } from 'throughline/serve'

declare const handler: Handler<string | number, number, { factor: number }>
export default handler
