// Scripts that Redis runs, in Lua.

/** After what silence of its coordinator a run is over. */
export const ALIVE_MS = 10_000
/** After what silence an agent is gone. */
const GONE_S = 5

/*
 * Keys written for a run that is over would never be removed. So each of these scripts writes only while the orders of its
 * coordinator exist.
 */
/** Begins a task: the orders, how many agents have begun it, and its argument. */
export const BEGIN = `
local orders = redis.call('get', KEYS[1])
if not orders then return false end
local begun = redis.call('hincrby', KEYS[2], ARGV[1], 1)
redis.call('pexpire', KEYS[2], ${ALIVE_MS})
return { orders, tostring(begun), redis.call('hget', KEYS[3], ARGV[2]) }`
/** Takes back that a task was begun. */
export const HAND_BACK = `
if redis.call('exists', KEYS[1]) == 1 then redis.call('hincrby', KEYS[2], ARGV[1], -1) end
return 0`
/** Writes how much of tasks is done, and reads the orders. */
export const FOLLOW = `
local orders = redis.call('get', KEYS[1])
if orders then
  redis.call('hset', KEYS[2], unpack(ARGV))
  redis.call('pexpire', KEYS[2], ${ALIVE_MS})
end
return orders`
/** Pushes the outcome of a task. */
export const REPORT = `
if redis.call('exists', KEYS[1]) == 1 then
  redis.call('hdel', KEYS[2], ARGV[1])
  redis.call('rpush', KEYS[3], ARGV[2])
  redis.call('pexpire', KEYS[3], ${ALIVE_MS})
end
return 0`

/* The agents that are there, by the clock of Redis. */
/** Says that an agent is there. */
export const APPEAR = `
local now = tonumber(redis.call('time')[1])
redis.call('zadd', KEYS[1], now, ARGV[1])
redis.call('zremrangebyscore', KEYS[1], '-inf', now - 60)
redis.call('expire', KEYS[1], 60)
return 0`
/** Lists the agents. */
export const PRESENT = `
return redis.call('zrangebyscore', KEYS[1], tonumber(redis.call('time')[1]) - ${GONE_S}, '+inf')`
