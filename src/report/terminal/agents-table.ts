import type { AgentsNeeded } from '../../explore/limit/agents-needed.js'
import { count, inText, plural, rate } from '../../text/number.js'
import { plain, type RenderOptions } from '../../text/style.js'
import { renderParagraph } from '../../text/wrap.js'
import { triedTable } from './capacity-table.js'

/** Renders how many agents a load needs, what that is computed from, and the loads that were measured. */
export function renderAgentsNeeded(found: AgentsNeeded, { width = 80, style = plain }: RenderOptions = {}): string {
  const parts = [
    renderParagraph(leadText(found), width, (line) => style(found.agents === null ? 'yellow' : 'bold', line)),
    renderParagraph(basisText(found), width),
    renderParagraph(connectionsText(found), width),
    triedTable(found.search.tried, style),
  ]
  return parts.filter((part) => part.trim() !== '').join('\n\n')
}

const agentsText = (agents: number) => plural(agents, 'agent')

function leadText({ load, agents, fewest, limitedBy, each, search }: AgentsNeeded): string {
  if (search.tried.length === 0)
    return `The number of agents for ${rate(load)} is unknown: the time ran out before a run ended.`
  if (agents === null || each === null) {
    const short = search.tried.some(({ verdict }) => verdict === 'pass')
    const why = short ? 'no load passed a long run; allow more time' : 'this machine sent no load on time'
    return `The number of agents for ${rate(load)} is unknown: ${why}.`
  }
  const atMost = limitedBy === 'target' || limitedBy === 'time' ? 'at most ' : ''
  const but =
    fewest === null || fewest === agents || limitedBy !== 'late' ? '' : `; fewer than ${count(fewest)} are too few`
  return `${atMost}${agentsText(agents)} like this machine for ${rate(load)}, ${rate(each.rate)} each${but}.`.replace(
    /^./,
    (first) => first.toUpperCase(),
  )
}

const LIMITED_BY: Record<AgentsNeeded['limitedBy'], string> = {
  late: 'no longer sent on time',
  target: 'the target was the limit, so this machine may be able to send more',
  time: 'no clear verdict in the available time, so this machine may be able to send more; allow more time',
  none: '',
}

/** What the number is computed from. */
function basisText({ search, limitedBy }: AgentsNeeded): string {
  const { rate: sent, limit, confirmed } = search
  const short = confirmed ? '' : ', in a short run only'
  const begin =
    sent === null ? '' : `This machine sent ${rate(sent)} on time${short}; an agent gets at most 70 % of that. `
  const end =
    limit === null ? LIMITED_BY[limitedBy] : `At ${rate(limit.rate)}: ${LIMITED_BY[limitedBy]} (${limit.reason}).`
  return `${begin}${end}${busyText(search)}`.trim()
}

/** Whether other work slowed this machine down. */
function busyText({ result }: AgentsNeeded['search']): string {
  const busy = result?.validity.findings.find(({ code }) => code === 'cpu-contention' || code === 'cpu-throttled')
  return busy === undefined ? '' : ` It had too little CPU (${busy.code}): with nothing else running it may send more.`
}

function connectionsText({ each, limits }: AgentsNeeded): string {
  if (each === null) return ''
  const known = [
    limits.ports === null ? [] : `${count(limits.ports)} ports for connections to one address`,
    limits.files === null ? [] : `${count(limits.files)} open files`,
  ].flat()
  const has = known.length === 0 ? '' : `; this machine has ${known.join(' and ')}`
  return `Each has ${inText(each.inFlight)} requests in flight on average, with a connection for each${has}.`
}
