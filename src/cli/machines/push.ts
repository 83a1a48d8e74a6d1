import { openTelemetryProducer } from '../../serve/exporters/open-telemetry.js'
import { prometheusText } from '../../serve/exporters/prometheus.js'
import type { MetricSource } from '../../serve/exporters/recorders.js'
import { messageOf } from '../../validation/validation-error.js'
import { otlpJson, rejectedIn } from './otlp.js'

/** What takes metrics: a group of a Prometheus Pushgateway, or an OpenTelemetry collector. */
export interface PushTarget {
  /** the flag that named it */
  flag: '--pushgateway' | '--otlp'
  /** without credentials */
  url: string
  headers: Record<string, string>
  /** attributes of the resource, for a collector */
  resource: Record<string, string>
}

/** The content type of Prometheus' text format. */
export const PROMETHEUS_TEXT = 'text/plain; version=0.0.4; charset=utf-8'
/** How long a target may take to answer. */
const PUSH_MS = 5000

/** Pushes metrics to a target, one push at a time: the newest, when the last is done. */
export class MetricsPush {
  readonly #target: PushTarget
  readonly #body: () => Promise<string>
  readonly #onFault: (fault: string) => void
  #pushing: Promise<void> | null = null

  constructor(target: PushTarget, metrics: MetricSource, onFault: (fault: string) => void) {
    this.#target = target
    this.#onFault = onFault
    if (target.flag === '--pushgateway') this.#body = async () => prometheusText(metrics)
    else {
      const producer = openTelemetryProducer(metrics)
      this.#body = async () => otlpJson(await producer.collect(), target.resource)
    }
  }

  /** Pushes counts of 0, to know before the run whether the target takes them. */
  async first(): Promise<void> {
    await this.#send()
  }

  push(): void {
    this.#pushing ??= this.#send()
      .catch((error) => this.#onFault(messageOf(error)))
      .finally(() => {
        this.#pushing = null
      })
  }

  /** Pushes the figures of the finished run. Returns the reason if it cannot. */
  async last(): Promise<{ flag: PushTarget['flag']; why: string } | null> {
    await this.#pushing
    return this.#send().then(
      () => null,
      (error) => ({ flag: this.#target.flag, why: messageOf(error) }),
    )
  }

  async #send(): Promise<void> {
    const { flag, url, headers } = this.#target
    const [method, type] = flag === '--pushgateway' ? ['PUT', PROMETHEUS_TEXT] : ['POST', 'application/json']
    const response = await fetch(url, {
      method,
      headers: { ...headers, 'content-type': type },
      body: await this.#body(),
      signal: AbortSignal.timeout(PUSH_MS),
    }).catch((error) => {
      // fetch only says that it failed; a host may have several addresses, with a reason each
      const cause = error?.cause ?? error
      throw cause instanceof AggregateError ? cause.errors[0] : cause
    })
    const said = (await response.text()).trim()
    if (!response.ok) throw new Error(`status ${response.status}: ${said.slice(0, 200)}`)
    const rejected = flag === '--otlp' ? rejectedIn(said) : null
    if (rejected !== null) throw new Error(rejected)
  }
}
