import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import type { Result } from '../../result/result.js'
import { type Budget, budgetSchema, checkBudgetClasses, rulesOf } from '../../scenario/budget.js'
import { type Duration, options, positiveDuration } from '../../scenario/units.js'
import { show, throwFaults, ValidationError } from '../../validation/validation-error.js'
import { type Markup, markup } from '../markup.js'
import { PAGE_POLICY, renderPage } from './page.js'
import { type HtmlOptions, reportOf } from './render.js'

/** Options of `createReportHandler`. */
export interface ReportHandlerOptions extends HtmlOptions {
  /**
   * How often the page reloads itself, at least every second; null never reloads it.
   *
   * @default null
   */
  refresh?: Duration | null | undefined
}

const schema = options({
  title: z.string({ error: 'must be a string' }).optional(),
  budget: budgetSchema.optional(),
  refresh: positiveDuration
    .refine((ms) => ms >= 1000, { error: 'must be at least 1 s' })
    .nullable()
    .default(null),
})

/**
 * Creates a request handler for `node:http` and compatible servers that responds with an HTML report of a live service.
 * If nothing is recorded yet, the page says so. Rendering blocks the thread for tens of milliseconds, so expose the
 * handler to operators only; the page does not describe the machine. The handler ignores the URL and never throws.
 *
 * @param snapshot returns the result to report; null if there is none yet
 * @throws ValidationError if an option is invalid
 * @example
 * import { createServer } from 'node:http'
 *
 * const recorder = createRecorder()
 * const server = createServer(createReportHandler(() => recorder.snapshot(), { refresh: '5s' }))
 */
export function createReportHandler(
  snapshot: () => Result | null | Promise<Result | null>,
  given: ReportHandlerOptions = {},
): (request: IncomingMessage, response: ServerResponse) => void {
  if (typeof snapshot !== 'function') {
    throw new ValidationError('snapshot', `must be a function that returns a result or null, got ${show(snapshot)}`)
  }
  const parsed = schema.safeParse(given)
  if (!parsed.success) throwFaults(parsed.error, 'report', given)
  const { refresh, ...options } = parsed.data
  if (options.budget !== undefined) rulesOf(options.budget)
  const head = refresh === null ? '' : markup`<meta http-equiv="refresh" content="${Math.round(refresh / 1000)}">`

  return (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD')
      return respond(response, 405, renderPage('Method not allowed', markup`<h1>Only GET and HEAD are allowed</h1>`))
    }
    // within a promise, since snapshot may throw synchronously
    Promise.resolve()
      .then(snapshot)
      .then((result) => {
        if (result === null) return respond(response, 200, renderEmptyPage(options, head))
        const fault = options.budget === undefined ? null : faultOfBudget(options.budget, result)
        if (fault !== null) {
          return respond(
            response,
            500,
            renderPage('No report', markup`<h1>The budget cannot be checked</h1><p>${fault}</p>`, head),
          )
        }
        respond(response, 200, renderLivePage(result, options, head))
      })
      // the error may hold secrets, so the client does not see it
      .catch(() =>
        respond(response, 500, renderPage('No report', markup`<h1>The report could not be rendered</h1>`, head)),
      )
  }
}

/** What is wrong with a budget: it limits a class that no request has. Null if nothing is. Which classes there are, the result says. */
function faultOfBudget(budget: Budget, { classes = {} }: Result): string | null {
  try {
    checkBudgetClasses(budget, Object.keys(classes), 'report.budget')
    return null
  } catch (error) {
    return (error as Error).message
  }
}

function renderLivePage(result: Result, options: HtmlOptions, head: Markup | ''): string {
  // operators know the machine, and attackers should not learn its versions
  const shown = { ...result, environment: null }
  const { title, body } = reportOf(
    { runs: [{ label: '', result: shown }], swept: [], comparisons: [], tuned: [] },
    options,
  )
  return renderPage(title, body, head)
}

const renderEmptyPage = ({ title = 'Latency report' }: HtmlOptions, head: Markup | '') =>
  renderPage(title, markup`<h1>${title}</h1><p>Nothing is recorded yet.</p>`, head)

function respond(response: ServerResponse, status: number, html: string): void {
  // the client may have disconnected, or another handler may have responded
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
