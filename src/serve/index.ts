export { ScenarioError } from '../scenario/error.js'
export { type BatchFunction, defineHandler, type Handler, type HandlerContext } from '../scenario/handler.js'
export type { Duration } from '../scenario/units.js'
export { type Batcher, createBatcher, type InputOf, type OutputOf } from './batcher.js'
export { BatcherError, type BatcherErrorCode } from './batcher-error.js'
export type { BatcherOptions, RunOptions } from './batcher-options.js'
export type { BatchMessage, RequestMessage } from './channels.js'
export type { LiveScenario, LiveScenarioOptions } from './live-scenario.js'
export {
  type OpenTelemetryMeter,
  type OpenTelemetryProducer,
  openTelemetryProducer,
  registerOpenTelemetry,
} from './open-telemetry.js'
export { type PrometheusRegistry, prometheusText, registerPrometheus } from './prometheus.js'
export { createRecorder, type Recorder } from './recorder.js'
export type { RecorderOptions, SnapshotOptions } from './recorder-options.js'
export type { ExportOptions, Recorders } from './recorders.js'
export type { Recording } from './recording.js'
export type { Totals } from './totals.js'
