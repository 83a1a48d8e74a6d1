// Keeps one comment on a pull request up to date: `node comment.js report.md`, with the variables of GitHub Actions and
// GITHUB_TOKEN. It never fails the job: the verdict is the gate's, and the summary has the report anyway.

import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const { env } = process
const PER_PAGE = 100
const MOST_PAGES = 100
const ATTEMPTS = 3
const LONGEST_WAIT_MS = 10_000
/** GitHub takes 65,536 characters. */
const LONGEST = 65_000

class ApiError extends Error {
  constructor(status, message) {
    super(`${message} (${status})`)
    this.status = status
  }
}

const root = `${env.GITHUB_API_URL ?? 'https://api.github.com'}/repos/${env.GITHUB_REPOSITORY}`

/** Calls the API. What may be better in a moment is tried again. */
async function call(method, path, body) {
  for (let attempt = 1; ; attempt++) {
    let response
    try {
      response = await fetch(root + path, {
        method,
        headers: {
          accept: 'application/vnd.github+json',
          authorization: `Bearer ${env.GITHUB_TOKEN}`,
          'user-agent': 'throughline',
          'x-github-api-version': '2022-11-28',
          ...(body && { 'content-type': 'application/json' }),
        },
        signal: AbortSignal.timeout(30_000),
        ...(body && { body: JSON.stringify(body) }),
      })
    } catch (error) {
      if (attempt === ATTEMPTS) throw new ApiError('no answer', error.cause?.message ?? error.message)
      await sleep(300 * attempt)
      continue
    }
    const text = await response.text()
    if (response.ok) return text === '' ? null : JSON.parse(text)
    const { status, headers } = response
    const isLimited = status === 429 || (status === 403 && headers.has('retry-after'))
    if (attempt === ATTEMPTS || !(status >= 500 || isLimited)) throw new ApiError(status, messageOf(text))
    const asked = 1000 * Number(headers.get('retry-after') ?? 0)
    await sleep(Math.min(LONGEST_WAIT_MS, Math.max(asked, 300 * attempt)))
  }
}

function messageOf(text) {
  try {
    return JSON.parse(text).message ?? text
  } catch {
    return text.slice(0, 200)
  }
}

/** The pull request that the job is of; null if it is of none. */
function pullRequest() {
  const path = env.GITHUB_EVENT_PATH
  if (!path || !existsSync(path)) return null
  const { pull_request: pull, issue, workflow_run: run } = JSON.parse(readFileSync(path, 'utf8'))
  return pull?.number ?? (issue?.pull_request && issue.number) ?? run?.pull_requests?.[0]?.number ?? null
}

/** The comment that begins with the marker; a quotation of it does not. */
async function findOwn(number, marker) {
  for (let page = 1; page <= MOST_PAGES; page++) {
    const comments = await call('GET', `/issues/${number}/comments?per_page=${PER_PAGE}&page=${page}`)
    const own = comments.find(({ body }) => body?.startsWith(marker))
    if (own !== undefined) return own
    if (comments.length < PER_PAGE) return null
  }
  return null
}

/** A report as a comment. One that is too long loses what is folded up. */
function bodyOf(report, marker) {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = env
  const link =
    server && run ? `\n[The job](${server}/${repository}/actions/runs/${run}) has the report as a page.\n` : ''
  const whole = `${marker}\n${report}${link}`
  if (whole.length <= LONGEST) return whole
  const short = `${marker}\n${report.replace(/<details>[\s\S]*?<\/details>\n*/g, '')}`
  return `${short.slice(0, LONGEST)}\n\nThe rest is too long for a comment; the summary of the job has it.\n${link}`
}

async function keepComment(report) {
  const number = pullRequest()
  if (number === null) return 'This job is not of a pull request: the report is in the summary only.'
  const marker = `<!-- throughline: ${env.COMMENT_ID || 'gate'} -->`
  const body = bodyOf(report, marker)
  const own = await findOwn(number, marker)
  if (own !== null) {
    if (own.body === body) return `The comment on #${number} is up to date.`
    try {
      await call('PATCH', `/issues/comments/${own.id}`, { body })
      return `The comment on #${number} is updated.`
    } catch (error) {
      // another user's, or removed meanwhile
      if (![403, 404].includes(error.status)) throw error
    }
  }
  await call('POST', `/issues/${number}/comments`, { body })
  return `Commented on #${number}.`
}

try {
  console.log(await keepComment(readFileSync(process.argv[2], 'utf8')))
} catch (error) {
  const said = String(error.message).replaceAll('\n', ' ')
  const isForbidden = [401, 403, 404].includes(error.status)
  console.log(
    isForbidden
      ? `::notice title=throughline::No comment: this job may not write to the pull request, as if it comes from a fork; the report is in the summary. ${said}`
      : `::warning title=throughline::No comment; the report is in the summary. ${said}`,
  )
}
