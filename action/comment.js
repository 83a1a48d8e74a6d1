// Creates or updates one comment on a pull request: `node comment.js report.md`, with the variables of GitHub Actions and
// GITHUB_TOKEN. It never fails the job: the gate decides the verdict, and the summary has the report too.

import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const { env } = process
const PER_PAGE = 100
const MOST_PAGES = 100
const ATTEMPTS = 3
const LONGEST_WAIT_MS = 10_000
/** GitHub accepts at most 65,536 characters. */
const LONGEST = 65_000

class ApiError extends Error {
  constructor(status, message) {
    super(`${message} (${status})`)
    this.status = status
  }
}

const root = `${env.GITHUB_API_URL ?? 'https://api.github.com'}/repos/${env.GITHUB_REPOSITORY}`

/** Calls the API, and retries after temporary failures. */
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
      if (attempt === ATTEMPTS) throw new ApiError('no response', error.cause?.message ?? error.message)
      await sleep(300 * attempt)
      continue
    }
    const text = await response.text()
    if (response.ok) return text === '' ? null : JSON.parse(text)
    const { status, headers } = response
    const isLimited = status === 429 || (status === 403 && headers.has('retry-after'))
    if (attempt === ATTEMPTS || !(status >= 500 || isLimited)) throw new ApiError(status, messageOf(text))
    const requestedMs = 1000 * Number(headers.get('retry-after') ?? 0)
    await sleep(Math.min(LONGEST_WAIT_MS, Math.max(requestedMs, 300 * attempt)))
  }
}

function messageOf(text) {
  try {
    return JSON.parse(text).message ?? text
  } catch {
    return text.slice(0, 200)
  }
}

/** Finds the number of the job's pull request; null if there is none. */
function findPullRequest() {
  const path = env.GITHUB_EVENT_PATH
  if (!path || !existsSync(path)) return null
  const { pull_request: pull, issue, workflow_run: run } = JSON.parse(readFileSync(path, 'utf8'))
  return pull?.number ?? (issue?.pull_request && issue.number) ?? run?.pull_requests?.[0]?.number ?? null
}

/** Finds the comment that begins with the marker. A quotation of it begins otherwise. */
async function findOwn(number, marker) {
  for (let page = 1; page <= MOST_PAGES; page++) {
    const comments = await call('GET', `/issues/${number}/comments?per_page=${PER_PAGE}&page=${page}`)
    const own = comments.find(({ body }) => body?.startsWith(marker))
    if (own !== undefined) return own
    if (comments.length < PER_PAGE) return null
  }
  return null
}

/** Builds the comment from the report. A comment that is too long omits folded sections. */
function buildBody(report, marker) {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = env
  const link = server && run ? `\n[The job](${server}/${repository}/actions/runs/${run}) has the full report.\n` : ''
  const whole = `${marker}\n${report}${link}`
  if (whole.length <= LONGEST) return whole
  const short = `${marker}\n${report.replace(/<details>[\s\S]*?<\/details>\n*/g, '')}`
  return `${short.slice(0, LONGEST)}\n\nThe rest is too long for a comment; see the summary of the job.\n${link}`
}

async function updateComment(report) {
  const number = findPullRequest()
  if (number === null) return 'This job has no pull request: the report is only in the summary.'
  const marker = `<!-- throughline: ${env.COMMENT_ID || 'gate'} -->`
  const body = buildBody(report, marker)
  const own = await findOwn(number, marker)
  if (own !== null) {
    if (own.body === body) return `The comment on #${number} is up to date.`
    try {
      await call('PATCH', `/issues/comments/${own.id}`, { body })
      return `The comment on #${number} is updated.`
    } catch (error) {
      // it belongs to another user, or was removed meanwhile
      if (![403, 404].includes(error.status)) throw error
    }
  }
  await call('POST', `/issues/${number}/comments`, { body })
  return `Commented on #${number}.`
}

try {
  console.log(await updateComment(readFileSync(process.argv[2], 'utf8')))
} catch (error) {
  const reason = String(error.message).replaceAll('\n', ' ')
  const isForbidden = [401, 403, 404].includes(error.status)
  console.log(
    isForbidden
      ? `::notice title=throughline::No comment: this job may not write to the pull request, for example because it comes from a fork. The report is in the summary. ${reason}`
      : `::warning title=throughline::No comment, but the report is in the summary. ${reason}`,
  )
}
