export { assertBudget, BudgetError, type BudgetOptions } from './budget/assert.js'
export { type BudgetCheck, checkBudget, type RuleCheck, type Verdict } from './budget/check.js'
export { assertNotSlower, ComparisonError } from './budget/comparison/assert-not-slower.js'
export { type CompareResultsOptions, compareResults } from './budget/comparison/compare-results.js'
export type {
  ComparedMetric,
  ComparedSide,
  Comparison,
  ComparisonInterval,
  ComparisonVerdict,
  JudgeOptions,
  MetricComparison,
  Pair,
  Round,
  Side,
} from './budget/comparison/comparison.js'
export type { HistoryEntry } from './budget/comparison/history-entry.js'
export { fromTinybench, type TinybenchRun } from './budget/tinybench.js'
export type { Config } from './cli/config.js'
export type { OnAgents } from './explore/agents/options.js'
export { type CalibrateAt, type CalibrateOptions, type Calibration, calibrate } from './explore/calibrate.js'
export { type Capacity, type CapacityOptions, capacity } from './explore/capacity.js'
export { type Compared, type CompareOptions, type CompareProgress, compare } from './explore/compare.js'
export { type AgentsNeeded, agentsNeeded } from './explore/limit/agents-needed.js'
export {
  type MeasureCapacityOptions,
  type MeasureCapacityProgress,
  type MeasuredCapacity,
  measureCapacity,
  type TriedLoad,
} from './explore/limit/measure-capacity.js'
export { type ReplicateOptions, type ReplicateProgress, replicate } from './explore/replicate.js'
export {
  type SweepFields,
  type SweepOptions,
  type SweepPoint,
  type SweepProgress,
  type Swept,
  sweep,
} from './explore/sweep.js'
export type { Candidate } from './explore/tune/candidates.js'
export { type Headroom, type HeadroomOptions, headroom } from './explore/tune/headroom.js'
export type { TuneOptions, TuneProgress } from './explore/tune/options.js'
export type { Wish, Wishes } from './explore/tune/preference.js'
export type { NearestMiss } from './explore/tune/recommendation.js'
export { tune } from './explore/tune/tune.js'
export type { Recommended, Tuned, TunedCandidate, TunedSetting } from './explore/tune/tuned.js'
export { readRequestTrace } from './files/requests.js'
export { type ReadTraceOptions, readTrace } from './files/trace.js'
export type { Detectable } from './gate/detectable.js'
export type { GateCompareOptions, GateScenario } from './gate/gate.js'
export type { GateOutcome, GateReport, GateVerdict } from './gate/gate-report.js'
export { MeasureError } from './measure/error.js'
export { measure } from './measure/measure.js'
export type { MeasureOptions, MeasureProgress } from './measure/options.js'
export type { ClassResult, ClassSegment } from './result/classes.js'
export type { Connections, SetupTime } from './result/connections.js'
export { type Cost, costOf } from './result/cost.js'
export type { Cpu, CpuOfThread, Environment, EventLoopDelay, GcPauses, Host, Speed } from './result/host.js'
export { type MergeOptions, mergeResults } from './result/merge/merge-results.js'
export type { Merged, MergedMachine, SentShard } from './result/merge/merged.js'
export type { CheckpointCount, Counts } from './result/recording.js'
export type { Bytes, Result, Segment } from './result/result.js'
export { summarize, summarizeRuns } from './result/runs.js'
export type { StageLatency, StageResult } from './result/stages.js'
export { type Estimate, type Interval, percentile, type Summary } from './result/summary.js'
export type { Finding, Validity } from './result/validity.js'
export {
  type ArrivalsInput,
  closed,
  constant,
  onOff,
  poisson,
  renewal,
  replay,
  stages,
} from './scenario/arrivals/arrivals.js'
export type { Shard } from './scenario/arrivals/shard.js'
export type { Budget, BudgetMetric, Limit } from './scenario/budget.js'
export { type BatchFunction, defineHandler, type Handler, type HandlerContext } from './scenario/handler.js'
export type {
  HttpAnswer,
  HttpBody,
  HttpCheck,
  HttpEvent,
  HttpEventFilter,
  HttpHeaders,
  HttpRequest,
  HttpRow,
  HttpTarget,
} from './scenario/http.js'
export type { ResolvedScenario, Scenario, ScenarioParts, StoredScenario } from './scenario/scenario.js'
export type { RecordedBatch } from './scenario/service/recorded.js'
export { affine, byBatchSize, recorded, type ServiceInput } from './scenario/service/service.js'
export {
  empirical,
  exponential,
  gamma,
  hyperexponential,
  lognormal,
  none,
  uniform,
  type Variation,
} from './scenario/service/variation.js'
export type { Extent, Stop } from './scenario/stop.js'
export type { Call } from './scenario/target.js'
export type { Duration, Fraction, Rate } from './scenario/units.js'
export * from './serve/index.js'
export type { SimulationEvent } from './simulate/engine.js'
export { type SimulateOptions, simulate } from './simulate/simulate.js'
export { ValidationError } from './validation/validation-error.js'
