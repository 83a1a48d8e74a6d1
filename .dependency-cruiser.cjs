// The rooms of src/, from the outermost inwards: imports go from left to right only.
const rooms = [
  'cli',
  'report',
  'explore',
  'simulate',
  'measure',
  'serve',
  'handler',
  'machine',
  'clock',
  'files',
  'budget',
  'result',
  'scenario',
  'random',
  'text',
]
// which rooms each may import from, besides itself
const allowed = {
  cli: [
    'report',
    'explore',
    'simulate',
    'measure',
    'serve',
    'handler',
    'clock',
    'files',
    'budget',
    'result',
    'scenario',
    'text',
  ],
  report: ['explore', 'files', 'clock', 'budget', 'result', 'scenario', 'text'],
  explore: [
    'simulate',
    'measure',
    'serve',
    'handler',
    'machine',
    'files',
    'clock',
    'budget',
    'result',
    'scenario',
    'random',
  ],
  simulate: ['budget', 'result', 'scenario', 'random'],
  measure: ['handler', 'machine', 'clock', 'budget', 'result', 'scenario', 'random'],
  serve: ['handler', 'machine', 'clock', 'budget', 'result', 'scenario', 'random'],
  // what serves batches: a handler's module and parts, and the threads that run it
  handler: ['clock', 'scenario'],
  // what this machine is
  machine: ['result'],
  // the one clock and the one way to set a timer
  clock: [],
  // how files are written
  files: [],
  budget: ['result', 'scenario', 'text'],
  result: ['scenario', 'random', 'text'],
  scenario: ['random'],
  random: [],
  text: [],
}
const pure = '^src/(scenario|random|simulate|result|budget|text)/'

module.exports = {
  forbidden: [
    ...rooms.map((room) => ({
      name: `room-${room}`,
      comment: `src/${room} imports only from ${allowed[room].join(', ') || 'itself'}`,
      severity: 'error',
      from: { path: `^src/${room}/` },
      to: { path: '^src/', pathNot: `^src/(${[room, ...allowed[room]].join('|')})/` },
    })),
    {
      name: 'pure-rooms-know-no-node',
      comment: 'the pure rooms import nothing from node: and so read no clock',
      severity: 'error',
      from: { path: pure },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'runs-draw-nothing',
      comment: 'what charts are drawn with is loaded by those who draw: throughline/report alone reaches it',
      severity: 'error',
      from: { path: '^src/(index|vitest|vitest-config)[.]ts$' },
      to: { path: 'node_modules/d3-', reachable: true },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
}
