// What runs batches on the real clock imports from here.
const realClock = [
  'threads',
  'handler',
  'machine',
  'clock',
  'budget',
  'result',
  'histogram',
  'scenario',
  'validation',
  'statistics',
  'random',
  'text',
]
// The layers of src/, from the outermost inwards, and which layers each may import from, besides itself. An import goes
// from an outer layer to an inner one.
const allowed = {
  cli: [
    'report',
    'history',
    'gate',
    'explore',
    'simulate',
    'measure',
    'serve',
    'threads',
    'handler',
    'files',
    'machine',
    'clock',
    'budget',
    'result',
    'scenario',
    'validation',
    'text',
  ],
  report: [
    'gate',
    'history',
    'explore',
    'files',
    'clock',
    'budget',
    'result',
    'histogram',
    'statistics',
    'scenario',
    'validation',
    'text',
  ],
  // comparison of two commits of a repository
  gate: [
    'explore',
    'simulate',
    'measure',
    'handler',
    'machine',
    'budget',
    'result',
    'statistics',
    'scenario',
    'validation',
  ],
  // results over commits
  history: ['gate', 'files', 'budget', 'result', 'statistics', 'scenario', 'validation', 'random'],
  explore: [
    'simulate',
    'measure',
    'serve',
    'threads',
    'handler',
    'machine',
    'files',
    'clock',
    'budget',
    'result',
    'scenario',
    'validation',
    'statistics',
    'random',
    'text',
    'histogram',
  ],
  simulate: ['budget', 'result', 'histogram', 'scenario', 'validation', 'random'],
  // an HTTP target reads its requests from files
  measure: [...realClock, 'files'],
  serve: realClock,
  // the pool of worker threads
  threads: ['handler', 'clock', 'validation'],
  // handler modules: loaded, prepared and called
  handler: ['clock', 'scenario', 'validation'],
  // cores, CPU quota and other processes
  machine: ['result'],
  // the real clock and its timers
  clock: [],
  // reads traces and stored results; writes whole files
  files: ['budget', 'result', 'scenario', 'validation', 'text'],
  budget: ['result', 'histogram', 'statistics', 'scenario', 'validation', 'text'],
  result: ['histogram', 'statistics', 'scenario', 'validation', 'random', 'text'],
  histogram: [],
  statistics: [],
  scenario: ['validation', 'statistics', 'random'],
  // errors, and checks of values of any realm
  validation: [],
  random: [],
  text: [],
}
const pure = '^src/(scenario|validation|random|simulate|result|histogram|statistics|budget|text)/'

module.exports = {
  forbidden: [
    ...Object.entries(allowed).map(([layer, inner]) => ({
      name: `layer-${layer}`,
      comment: `src/${layer} imports only from ${inner.join(', ') || 'itself'}`,
      severity: 'error',
      from: { path: `^src/${layer}/` },
      to: { path: '^src/', pathNot: `^src/(${[layer, ...inner].join('|')})/` },
    })),
    {
      name: 'pure-layers-import-no-node',
      comment: 'the pure layers import nothing from node:, so they read no clock',
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
    {
      name: 'watching-is-loaded-if-asked-for',
      comment: 'only measure --live and --progress-fd load the live report, by import()',
      severity: 'error',
      from: { path: '^src/cli/[^/]+[.]ts$' },
      to: { path: '^src/cli/machines/(run-watch|live-)', dynamic: false, dependencyTypesNot: ['type-only'] },
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
