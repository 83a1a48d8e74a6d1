import { hasRedis } from '../processes/redis.js'

/** Reports tests that are skipped because a program is missing. */
export default function setup(): void {
  if (!hasRedis) console.log('redis-server is not installed: tests of agents over Redis are skipped')
}
