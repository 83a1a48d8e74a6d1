import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import type { Result } from '../../result/result.js'
import { budgetSchema } from '../../scenario/budget.js'
import { type Duration, options, positiveDuration } from '../../scenario/units.js'
import { show, throwFaults, ValidationError } from '../../validation/validation-error.js'
import { type Markup, markup } from '../markup.js'
import { PAGE_POLICY, page } from './page.js'
import { type HtmlOptions, reportOf } from './render.js'

export interface ReportHandlerOptions extends HtmlOptions {
  /** How often the page asks for itself anew; null, the default, for never. At least a second. */
  refresh?: Duration | null | undefined
}

const schema = options({
  title: z.string({ error: 'must be a text' }).optional(),
  budget: budgetSchema.optional(),
  refresh: positiveDuration
    .refine((ms) => ms >= 1000, { error: 'must be at least a second' })
    .nullable()
    .default(null),
})

/**
 * Makes a handler of HTTP requests, for `node:http` and all that takes such handlers, which answers with the report of
 * a service as it is now: `createServer(createReportHandler(() => recorder.snapshot()))`. Where nothing was recorded
 * yet, the page says so. Drawing it takes some tens of milliseconds of the thread, so keep it to those who operate the
 * service; of the machine it names nothing. It does not read the URL, and never throws.
 *
 * @param snapshot what to report; null where there is nothing yet
 * @throws ValidationError if an option is invalid
 */
export function createReportHandler(
  snapshot: () => Result | null | Promise<Result | null>,
  given: ReportHandlerOptions = {},
): (request: IncomingMessage, response: ServerResponse) => void {
  if (typeof snapshot !== 'function') {
    throw new ValidationError('snapshot', `must be a function that gives a result or null, got ${show(snapshot)}`)
  }
  const asked = schema.safeParse(given)
  if (!asked.success) throwFaults(asked.error, 'report', given)
  const { refresh, ...options } = asked.data
  const head = refresh === null ? '' : markup`<meta http-equiv="refresh" content="${Math.round(refresh / 1000)}">`

  return (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD')
      return answer(response, 405, page('Not allowed', markup`<h1>Only GET and HEAD are answered</h1>`))
    }
    // also where it throws at once
    Promise.resolve()
      .then(snapshot)
      .then((result) => answer(response, 200, result === null ? nothing(options, head) : live(result, options, head)))
      // what went wrong may be nobody's business who asks
      .catch(() => answer(response, 500, page('No report', markup`<h1>The report could not be made</h1>`, head)))
  }
}

function live(result: Result, options: HtmlOptions, head: Markup | ''): string {
  // which Node on which machine is of use to those who attack it, and known to those who operate it
  const shown = { ...result, environment: null }
  const { title, body } = reportOf(
    { runs: [{ label: '', result: shown }], swept: [], comparisons: [], tuned: [] },
    options,
  )
  return page(title, body, head)
}

const nothing = ({ title = 'Latency report' }: HtmlOptions, head: Markup | '') =>
  page(title, markup`<h1>${title}</h1><p>Nothing is recorded yet.</p>`, head)

function answer(response: ServerResponse, status: number, html: string): void {
  // whoever asked may have gone, or been answered by others
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': Buffer.byteLength(html),
    'content-security-policy': `${PAGE_POLICY}; frame-ancestors 'none'`,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  })
  response.end(response.req?.method === 'HEAD' ? undefined : html)
}
