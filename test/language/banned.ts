/** A phrase that the project does not use, the plain one instead, and texts in which it is right. */
export interface Banned {
  phrase: RegExp
  instead: string
  allowed?: RegExp
}

export const BANNED: readonly Banned[] = [
  { phrase: /(?<!there )\b(is|are) none\b/, instead: 'missing, invalid, null or no …' },
  { phrase: /\bseldom\b/, instead: 'rarely' },
  { phrase: /\bwhoever\b/, instead: 'users, callers, clients' },
  { phrase: /\bbesides?\b/, instead: 'compared with, next to, in addition to' },
  { phrase: /\b(un)?told\b|\bnot to be told\b/, instead: 'reported, recorded, notified; inconclusive' },
  { phrase: /\bso many\b/, instead: 'a number of, how many' },
  { phrase: /\bsay so\b/, instead: 'report it' },
  { phrase: /\bstretch(es|ed)?\b/, instead: 'segment' },
  { phrase: /\bshares? of\b|\b(the|a|an|this|its|each|which|allowed) shares?\b/, instead: 'fraction or ratio' },
  {
    phrase: /\bcarr(y|ies|ied|ying)\b/,
    instead: 'sustain, hold, capacity',
    allowed: /\b(requests?|HTTP|headers?) carr/,
  },
  { phrase: /\bstanding\b|\bdoubted\b/, instead: 'validity: valid, overloaded, truncated, invalid' },
  { phrase: /\bchapters?\b/, instead: 'the throughput-latency trade-off', allowed: /\[[^\]]*\bchapter\b|, chapter \d/ },
  { phrase: /\bfigure 1-4\b/, instead: 'the throughput-latency trade-off' },
  { phrase: /\bguarded\b/, instead: 'withErrorWarning, protected' },
  { phrase: /\bgathered\b/, instead: 'buffered, collected' },
  { phrase: /\bledgers?\b/, instead: 'ServerStats, RunState' },
  { phrase: /\bbells?\b/, instead: 'notify, wake' },
  { phrase: /\b(lose|loses|losing|loss|losses)\b/, instead: 'drop, miss, discard' },
  { phrase: /\bof which nobody\b/, instead: 'that no …' },
  { phrase: /\bgoes on\b/, instead: 'continues' },
  { phrase: /\band only then\b/, instead: 'exactly when' },
  { phrase: /\bto no avail\b|\bin vain\b/, instead: 'without success' },
  { phrase: /\bmust (not )?be there\b/, instead: 'must be present, must be absent' },
]

/** In any case, and all of them at once. */
const IN_ANY_CASE = BANNED.map(({ phrase, ...rest }) => ({ phrase: new RegExp(phrase.source, 'i'), ...rest }))
const ANY = new RegExp(BANNED.map(({ phrase }) => phrase.source).join('|'), 'i')

/** The phrases of a text that are banned: `line: phrase (write …)`. */
export function bannedIn(text: string): string[] {
  return text.split('\n').flatMap((line, i) => {
    if (!ANY.test(line)) return []
    return IN_ANY_CASE.flatMap(({ phrase, instead, allowed }) => {
      const [found] = phrase.exec(line) ?? []
      return found === undefined || allowed?.test(line) ? [] : [`${i + 1}: "${found}" (write: ${instead})`]
    })
  })
}
