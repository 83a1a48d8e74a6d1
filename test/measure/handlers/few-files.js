// Measures a server with more requests in flight than this process may have sockets, and prints what it reports.
import { measure } from '../../../dist/index.js'

const [url, connections] = process.argv.slice(2)
const http = { url, ...(connections !== undefined && { connections: Number(connections) }) }
const found = await measure({ arrivals: '2000/s', stop: { requests: 800 }, warmup: { requests: 0 }, http }).then(
  ({ failures, validity: { findings } }) => ({
    failures,
    finding: findings.find(({ code }) => code === 'no-more-connections')?.message,
    failure: findings.find(({ code }) => code === 'failures')?.message,
  }),
  (error) => ({ error: error.message }),
)
console.log(JSON.stringify(found))
