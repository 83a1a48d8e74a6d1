export { type BatchFunction, defineHandler, type Handler, type HandlerContext } from '../scenario/handler.js'
export type { Duration } from '../scenario/units.js'
export { ValidationError } from '../validation/validation-error.js'
export { type Batcher, createBatcher, type InputOf, type OutputOf } from './batcher/batcher.js'
export { BatcherError, type BatcherErrorCode } from './batcher/batcher-error.js'
export type { AdmitOptions, BatcherOptions, RunOptions } from './batcher/batcher-options.js'
export type { RecorderSink } from './batcher/recorder-sink.js'
export type { BatchMessage, RequestMessage } from './exporters/channels.js'
export {
  type OpenTelemetryMeter,
  type OpenTelemetryProducer,
  openTelemetryProducer,
  registerOpenTelemetry,
} from './exporters/open-telemetry.js'
export { type PrometheusRegistry, prometheusText, registerPrometheus } from './exporters/prometheus.js'
export type { ExportOptions, MetricSource, Recorders } from './exporters/recorders.js'
export { resultMetrics } from './exporters/result-metrics.js'
export type { LiveScenario, LiveScenarioOptions } from './recorder/live-scenario.js'
export { createRecorder, type Recorder, type RequestRecorder } from './recorder/recorder.js'
export type { RecorderOptions, SnapshotOptions } from './recorder/recorder-options.js'
export type { ClassTotals, Totals } from './recorder/totals.js'
