import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import {
  affine,
  byBatchSize,
  closed,
  empirical,
  exponential,
  gamma,
  hyperexponential,
  lognormal,
  poisson,
  renewal,
  replay,
  simulate,
  uniform,
} from '../../src/index.js'
import { refusal } from '../support/expect/refusal.js'

const duration = /a duration of 0 or more, in milliseconds or with a unit/
const rate = /a rate above 0 and at most 1,000,000,000\/s/
const anyArrivals = /a rate above 0 .* or an arrival process: \{ process: constant \| poisson \| renewal \|/
const anyModel = /must be 'affine', 'byBatchSize' or 'recorded', got .*; for example \{ model: 'affine'/
const anyService = /a duration of 0 or more .* or a service model: \{ model: affine \| byBatchSize/
const anyVariation = /a variation: \{ distribution: none \| exponential \| gamma \| lognormal \| uniform \|/
const probability = /a probability from 0 to 1/
const cv = /a coefficient of variation above 0 and at most 100/
const atLeast = (least: number) => new RegExp(`a whole number of at least ${least}`)
const varied = (variation: unknown) => ({ service: { model: 'affine', base: 1, variation } })

/** The path, the scenario, the value as the message shows it, and what the message says is accepted. */
const refused: [path: string, scenario: Record<string, unknown>, shown: string, accepted: RegExp][] = [
  ['arrivals', { arrivals: undefined }, 'nothing', anyArrivals],
  ['arrivals', { arrivals: null }, 'null', anyArrivals],
  ['arrivals', { arrivals: true }, 'true', anyArrivals],
  ['arrivals', { arrivals: Number.NaN }, 'NaN', anyArrivals],
  ['arrivals', { arrivals: -800 }, '-800', rate],
  ['arrivals', { arrivals: '5 parsecs' }, '"5 parsecs"', rate],
  ['arrivals', { arrivals: 1e300 }, '1e+300', rate],
  ['arrivals.process', { arrivals: {} }, 'nothing', anyArrivals],
  ['arrivals.process', { arrivals: { process: 'bursts', rate: 1 } }, '"bursts"', anyArrivals],
  ['arrivals.rate', { arrivals: { process: 'poisson' } }, 'nothing', rate],
  ['arrivals.rate', { arrivals: { process: 'constant', rate: 0 } }, '0', rate],
  ['arrivals.rate', { arrivals: poisson('-1/s') }, '"-1/s"', rate],
  ['arrivals.variation', { arrivals: { process: 'renewal', rate: 1 } }, 'nothing', anyVariation],
  ['arrivals.variation.cv', { arrivals: renewal({ rate: 1, variation: gamma({ cv: -2 }) }) }, '-2', cv],
  ['arrivals.timestamps', { arrivals: replay([]) }, '[]', /a non-empty list of times/],
  ['arrivals.timestamps', { arrivals: { process: 'replay' } }, 'nothing', /a non-empty list of times/],
  ['arrivals.timestamps.0', { arrivals: replay([-1]) }, '-1', /of 0 or more/],
  ['arrivals.timestamps.2', { arrivals: replay([0, '1ms', '2 parsecs']) }, '"2 parsecs"', /of 0 or more/],
  ['arrivals.clients', { arrivals: { process: 'closed' } }, 'nothing', atLeast(1)],
  ['arrivals.clients', { arrivals: closed({ clients: 0 }) }, '0', atLeast(1)],
  ['arrivals.clients', { arrivals: closed({ clients: 2.5 }) }, '2.5', atLeast(1)],
  ['arrivals.thinkTime', { arrivals: closed({ clients: 1, thinkTime: -1 }) }, '-1', duration],
  [
    'arrivals.thinkTime',
    { arrivals: { process: 'closed', clients: 1, thinkTime: null } },
    'null',
    /duration of 0 or more/,
  ],
  ['arrivals.thinkTime.mean', { arrivals: closed({ clients: 1, thinkTime: { mean: 'x' } }) }, '"x"', duration],

  ['service', { service: null }, 'null', anyService],
  ['service', { service: [] }, '[]', anyService],
  ['service', { service: 'soon' }, '"soon"', duration],
  ['service', { service: -1 }, '-1', duration],
  ['service.model', { service: { base: 1 } }, 'nothing', anyModel],
  ['service.model', { service: { model: 'quadratic' } }, '"quadratic"', anyModel],
  ['service.base', { service: affine({ base: Number.NaN }) }, 'NaN', duration],
  ['service.perItem', { service: affine({ perItem: '-1ms' }) }, '"-1ms"', duration],
  ['service.stalls.probability', { service: affine({ stalls: { probability: 1.1, time: 1 } }) }, '1.1', probability],
  ['service.stalls.probability', { service: affine({ stalls: { probability: -0.1, time: 1 } }) }, '-0.1', probability],
  ['service.stalls.time', { service: { model: 'affine', stalls: { probability: 0.1 } } }, 'nothing', duration],
  ['service.overhead.wake', { service: affine({ overhead: { wake: 'x' } }) }, '"x"', duration],
  ['service.points', { service: byBatchSize({}) }, '{}', /service times by batch size, .* of at least 1/],
  ['service.points', { service: byBatchSize({ 0: 1 }) }, '{"0":1}', /each size a whole number of at least 1/],
  ['service.points', { service: byBatchSize({ 1.5: 1 }) }, '{"1.5":1}', /each size a whole number of at least 1/],
  ['service.points', { service: { model: 'byBatchSize', points: { x: 1 } } }, '{"x":1}', /each size a whole number/],
  [
    'service.points',
    { service: { model: 'byBatchSize', points: { '01': 1 } } },
    '{"01":1}',
    /each size a whole number/,
  ],
  ['service.points', { service: { model: 'byBatchSize', points: [1, 2] } }, '[1,2]', /service times by batch size/],
  ['service.points', { service: { model: 'byBatchSize' } }, 'nothing', /service times by batch size/],
  ['service.points.8', { service: byBatchSize({ 1: 1, 8: -1 }) }, '-1', duration],
  ['service.points.8.mean', { service: byBatchSize({ 1: 1, 8: { mean: 'x' } }) }, '"x"', duration],

  // @ts-expect-error: without types, its options may be missing
  ['service.variation.cv', varied(gamma()), 'nothing', cv],
  // @ts-expect-error: the same
  ['service.variation.cv', varied(lognormal(null)), 'nothing', cv],
  ['service.variation', varied('gamma'), '"gamma"', anyVariation],
  ['service.variation.distribution', varied({ distribution: 'pareto' }), '"pareto"', anyVariation],
  ['service.variation.cv', varied(gamma({ cv: 0 })), '0', cv],
  ['service.variation.cv', varied(gamma({ cv: 101 })), '101', cv],
  ['service.variation.cv', varied(lognormal({ cv: Number.POSITIVE_INFINITY })), 'Infinity', cv],
  ['service.variation.cv', varied({ distribution: 'lognormal' }), 'nothing', cv],
  ['service.variation.spread', varied(uniform({ spread: 1.5 })), '1.5', /a number above 0 and at most 1/],
  ['service.variation.spread', varied(uniform({ spread: 0 })), '0', /a number above 0 and at most 1/],
  ['service.variation.samples', varied(empirical([])), '[]', /one or more numbers of 0 or more, not all 0/],
  ['service.variation.samples', varied(empirical([0, 0])), '[0,0]', /not all 0/],
  ['service.variation.samples', varied(empirical([1e308, 1e308])), '[1e+308,1e+308]', /a finite mean/],
  ['service.variation.samples.1', varied(empirical([1, -1])), '-1', /a finite number of 0 or more/],
  ['service.variation.samples.0', varied(empirical([Number.NaN])), 'NaN', /a finite number of 0 or more/],
  [
    'service.variation',
    varied(hyperexponential({ probabilities: [0.5, 0.5], means: [1] })),
    '{"distribution":"hyperexponential"',
    /as many probabilities as means/,
  ],
  [
    'service.variation',
    varied(hyperexponential({ probabilities: [0.5, 0.4], means: [1, 2] })),
    '{"distribution":"hyperexponential"',
    /probabilities that add up to 1/,
  ],
  // every time would be NaN, and a simulation would never end
  [
    'service.variation',
    varied(hyperexponential({ probabilities: [1, 0], means: [0, 1] })),
    '{"distribution":"hyperexponential"',
    /at least one mean above 0 with a probability above 0/,
  ],

  ['batching', { batching: 5 }, '5', /an object of maxBatchSize, maxWait/],
  ['batching', { batching: null }, 'null', /an object of maxBatchSize, maxWait/],
  ['batching', { batching: new Map([['maxBatchSize', 8]]) }, 'a Map', /an object of maxBatchSize, maxWait/],
  ['batching', { batching: new (class Batching {})() }, 'a Batching', /an object of maxBatchSize, maxWait/],
  ['queue', { queue: Promise.resolve({ capacity: 1 }) }, 'a Promise', /an object of capacity, timeout/],
  ['queue', { queue: Object.create({ capacity: 1 }) }, '{}', /an object of capacity, timeout/],
  ['batching.maxBatchSize', { batching: { maxBatchSize: 0 } }, '0', atLeast(1)],
  ['batching.maxBatchSize', { batching: { maxBatchSize: 1.5 } }, '1.5', atLeast(1)],
  ['batching.maxBatchSize', { batching: { maxBatchSize: '8' } }, '"8"', atLeast(1)],
  [
    'batching.maxBatchSize',
    { batching: { maxBatchSize: Number.POSITIVE_INFINITY } },
    'Infinity',
    /null means no limit/,
  ],
  ['batching.maxWait', { batching: { maxWait: '5 parsecs' } }, '"5 parsecs"', duration],
  ['batching.maxWait', { batching: { maxWait: -1 } }, '-1', duration],
  ['batching', { batching: { maxBatchSize: null, maxWait: null } }, '{"maxBatchSize":null', /cannot both be null/],

  ['servers', { servers: 0 }, '0', atLeast(1)],
  ['servers', { servers: 100_001 }, '100001', /at most 100,000/],
  ['servers', { servers: 1.5 }, '1.5', atLeast(1)],
  ['servers', { servers: null }, 'null', atLeast(1)],
  ['queue', { queue: 10 }, '10', /an object of capacity, timeout/],
  ['queue.capacity', { queue: { capacity: -1 } }, '-1', /at least 0 .*; null means no limit/],
  ['queue.capacity', { queue: { capacity: 0.5 } }, '0.5', /at least 0 .*; null means no limit/],
  ['queue.capacity', { queue: { capacity: Number.POSITIVE_INFINITY } }, 'Infinity', /null means no limit/],
  ['queue.timeout', { queue: { timeout: 0 } }, '0', /a duration of 1 ns or more/],
  ['queue.timeout', { queue: { timeout: '-5ms' } }, '"-5ms"', /a duration of 1 ns or more/],
  ['seed', { seed: -1 }, '-1', atLeast(0)],
  ['seed', { seed: 0.5 }, '0.5', atLeast(0)],
  [
    'seed',
    { seed: 2 ** 53 },
    '9007199254740992',
    /a whole number of at least 0 and at most 9,007,199,254,740,991, got/,
  ],
  ['seed', { seed: '1' }, '"1"', atLeast(0)],

  ['stop', { stop: {} }, '{}', /\{ requests \} or \{ duration \}/],
  ['stop', { stop: 1000 }, '1000', /\{ requests \}, \{ duration \}, \{ precision, of, atMost \}/],
  ['stop', { stop: { requests: 10, duration: 5 } }, '{"requests":10,"duration":5}', /\{ requests \} or \{ duration \}/],
  ['stop.requests', { stop: { requests: 0 } }, '0', atLeast(1)],
  ['stop.requests', { stop: { requests: 2 ** 32 } }, '4294967296', /at most 4,294,967,295/],
  ['stop.duration', { stop: { duration: 0 } }, '0', /a duration of 1 ns or more/],
  ['stop.duration', { stop: { duration: '10' } }, '"10"', /a duration of 1 ns or more/],
  ['warmup', { warmup: {} }, '{}', /\{ requests \} or \{ duration \}/],
  ['warmup.requests', { warmup: { requests: -1 } }, '-1', atLeast(0)],
  ['warmup.duration', { warmup: { duration: -1 } }, '-1', duration],
]

describe('an invalid scenario is refused with the path, the value and what is accepted', () => {
  for (const [path, scenario, shown, accepted] of refused) {
    it(`${path}: ${shown}`, () => {
      const error = refusal({ arrivals: '10/s', service: 1, ...scenario })
      expect(error.path).toBe(path)
      expect(error.message).toMatch(new RegExp(`^${path.replaceAll('.', '\\.')}: `))
      expect(error.message).toMatch(accepted)
      expect(error.message).toContain(`, got ${shown}`)
      // the message has no other fault
      expect(error.message).not.toContain('\n')
    })
  }

  it('as a whole', () => {
    for (const value of [undefined, null, 5, 'scenario', [], true]) {
      const error = refusal(value)
      expect(error.path).toBe('')
      expect(error.message).toMatch(/^must be an object of arrivals, classes, service, .*seed, got ./)
    }
  })

  it('with every fault on a line of its own', () => {
    const { path, message } = refusal({
      arrivals: -1,
      service: 1,
      servers: 0,
      batching: { maxBatchSize: 0, maxWait: 'x' },
    })
    expect(path).toBe('arrivals')
    expect(message.split('\n').map((line) => line.split(':')[0])).toEqual([
      'arrivals',
      'batching.maxBatchSize',
      'batching.maxWait',
      'servers',
    ])
  })

  it('in a message of limited length', () => {
    const { message } = refusal({ arrivals: 'x'.repeat(10_000), service: 1 })
    expect(message.length).toBeLessThan(300)
  })
})

it('an object may be of another realm, or without a prototype', () => {
  const run = { arrivals: '10/s', service: 1, stop: { requests: 100 } }
  const queue = Object.assign(Object.create(null), { capacity: 1 })
  const elsewhere = runInNewContext('({ maxBatchSize: 8 })')
  expect(simulate({ ...run, queue, batching: elsewhere }).scenario).toMatchObject({
    queue: { capacity: 1 },
    batching: { maxBatchSize: 8 },
  })
})

describe('an unknown option is refused, never ignored', () => {
  const unknown: [path: string, scenario: Record<string, unknown>, key: string, accepted: string][] = [
    ['', { servres: 2 }, 'servres', 'arrivals, classes, service, handler'],
    ['batching', { batching: { maxBatchsize: 8 } }, 'maxBatchsize', 'maxBatchSize, maxWait'],
    ['queue', { queue: { size: 8 } }, 'size', 'capacity, timeout'],
    ['service', { service: { model: 'affine', base: 1, bose: 2 } }, 'bose', 'model, base, perItem'],
    [
      'service.stalls',
      { service: { model: 'affine', stalls: { probability: 0, time: 1, p: 1 } } },
      'p',
      'probability, time',
    ],
    ['service.overhead', { service: { model: 'affine', overhead: { sleep: 1 } } }, 'sleep', 'wake, filled, deadline'],
    [
      'service.variation',
      { service: { model: 'affine', variation: { distribution: 'none', cv: 1 } } },
      'cv',
      'distribution',
    ],
    ['arrivals', { arrivals: { process: 'poisson', rate: 1, gaps: 1 } }, 'gaps', 'process, rate'],
    ['arrivals', { arrivals: { process: 'closed', clients: 1, think: 1 } }, 'think', 'process, clients, thinkTime'],
  ]
  for (const [path, scenario, key, accepted] of unknown) {
    it(`${key} of ${path || 'a scenario'}`, () => {
      const error = refusal({ arrivals: '10/s', service: 1, ...scenario })
      expect(error.path).toBe(path)
      expect(error.message).toContain(`'${key}' is not an option here`)
      expect(error.message).toContain(`; accepted: ${accepted}`)
    })
  }
})

describe('an option in the wrong place', () => {
  it.each([
    [{ maxBatchSize: 8 }, "'maxBatchSize' is not an option here (did you mean 'batching.maxBatchSize'?); accepted: "],
    [
      { timeout: 8 },
      "'timeout' is not an option here (did you mean 'http.timeout' or 'queue.timeout'?); accepted: arrivals",
    ],
    [{ url: 'http://a' }, "'url' is not an option here (did you mean 'http.url'?)"],
    [{ clients: 3 }, "'clients' is not an option here (did you mean 'arrivals.clients'?)"],
    [
      { batching: { servers: 2 } },
      "batching: 'servers' is not an option here (write 'servers' next to 'batching', not in",
    ],
    [
      { http: { url: 'http://a', servers: 2 } },
      "http: 'servers' is not an option here (write 'servers' next to 'http'",
    ],
    [
      { queue: { capcity: 2 } },
      "queue: 'capcity' is not an option here (did you mean 'capacity'?); accepted: capacity",
    ],
    [{ base: 1, bse: 2 }, "'base', 'bse' are not options here (did you mean 'service.base'?); accepted: arrivals"],
  ])('is found one level deeper or higher: %j', (misplaced, message) => {
    expect(refusal({ arrivals: '10/s', service: 1, ...misplaced }).message).toContain(message)
  })
})

describe('a factory that takes one object', () => {
  it.each<[() => unknown, string]>([
    [
      () => affine('7ms' as never),
      `affine: must be called with one object, such as affine({ base: '7ms', perItem: '1ms' }), got "7ms"`,
    ],
    [() => gamma(0.5 as never), 'gamma: must be called with one object, such as gamma({ cv: 0.5 }), got 0.5'],
    [() => renewal('800/s' as never), 'renewal: must be called with one object, such as renewal({ rate'],
    [() => closed(8 as never), 'closed: must be called with one object, such as closed({ clients: 8'],
    [() => replay([0, 1], 100 as never), 'replay: must be called with one object, such as replay(timestamps, { speed'],
  ])('refuses anything else: %s', (call, message) => {
    expect(call).toThrow(message)
  })
})

describe('invalid combinations are refused', () => {
  it('a wait without a batch size, which would do nothing', () => {
    const error = refusal({ arrivals: '10/s', service: 1, batching: { maxWait: '5ms' } })
    expect(error.path).toBe('batching.maxBatchSize')
    expect(error.message).toBe(
      'batching.maxBatchSize: is required with maxWait: the largest number of requests in a batch, such as 32; null for no limit',
    )
    expect(refusal({ arrivals: '10/s', service: 1, batching: { maxWait: null } }).path).toBe('batching.maxBatchSize')
    expect(simulate({ ...run, batching: { maxWait: 0 } }).counts.offered).toBe(90)
  })

  const run = { arrivals: poisson('10/s'), service: 1, stop: { requests: 100 } }

  it('a warm-up that is the whole run', () => {
    for (const [stop, warmup] of [
      [{ requests: 10 }, { requests: 10 }],
      [{ requests: 10 }, { requests: 11 }],
      [{ duration: 10 }, { duration: 10 }],
      [{ duration: '1s' }, { duration: '1000ms' }],
    ]) {
      const error = refusal({ ...run, stop, warmup })
      expect(error.path).toBe('warmup')
      expect(error.message).toMatch(/must be shorter than the run .*, got .*; otherwise there is nothing to report/)
    }
    expect(refusal({ ...run, arrivals: replay([0, 1, 2]), warmup: { requests: 3 } }).path).toBe('warmup')
    expect(simulate({ ...run, stop: { requests: 10 }, warmup: { requests: 9 } }).counts.offered).toBe(1)
  })

  it('a wait for batches that can never fill', () => {
    const batching = { maxBatchSize: 8, maxWait: null }
    const few = refusal({ ...run, arrivals: closed({ clients: 7 }), batching })
    expect(few.message).toMatch(/^batching\.maxWait: null waits for a batch of 8, which 7 clients never fill; set a/)
    const small = refusal({ ...run, batching, queue: { capacity: 7 } })
    expect(small.message).toMatch(
      /^batching\.maxWait: null waits for a batch of 8, which a queue with capacity 7 never holds; set a/,
    )
    expect(simulate({ ...run, batching, queue: { capacity: 8 } }).counts.rejected).toBe(0)
  })

  it('a batch larger than the largest size in service.points', () => {
    const service = byBatchSize({ 1: 1, 8: 4 })
    const error = refusal({ ...run, service, batching: { maxBatchSize: 9 } })
    expect(error.message).toMatch(/^service\.points: end at a batch of 8, but batches may hold 9; add a point or lower/)
    expect(refusal({ ...run, service, batching: { maxBatchSize: null } }).message).toMatch(/batches have no limit/)
    expect(refusal({ ...run, service, arrivals: closed({ clients: 9 }), batching: { maxBatchSize: null } }).path).toBe(
      'service.points',
    )
    // with fewer clients than that, batches may have no limit
    expect(
      simulate({ ...run, service, arrivals: closed({ clients: 8, thinkTime: 1 }), batching: { maxBatchSize: null } })
        .counts.offered,
    ).toBe(90)
    expect(simulate({ ...run, service, batching: { maxBatchSize: 8 } }).counts.offered).toBe(90)
  })

  it('more requests than the longest run has time for', () => {
    const error = refusal({ arrivals: '1/h', service: 1, stop: { requests: 2502 } })
    expect(error.path).toBe('stop.requests')
    expect(error.message).toMatch(/2502 requests at .* take longer than 104 days \(2\^53 ns\)/)
  })

  it('a scenario without service, though service may take no time', () => {
    expect(refusal({ arrivals: '10/s' }).message).toMatch(/^service: is required to simulate: .* '10ms' or affine/)
    const { latencyMs } = simulate({ ...run, service: affine({ variation: exponential() }) })
    expect(latencyMs.max).toBe(0)
  })
})
