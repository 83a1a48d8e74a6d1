/** Longer words are not compared, as the time grows with their length. */
const LONGEST_WORD = 60

/** Returns the name that a misspelt word most likely means; null if none is near enough. */
export function nearestName(word: string, names: readonly string[]): string | null {
  if (word.length > LONGEST_WORD) return null
  let nearest: string | null = null
  let least = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const name of names) {
    const distance = editDistance(word.toLowerCase(), name.toLowerCase())
    if (distance < least) {
      nearest = name
      least = distance
    }
  }
  return nearest
}

/** Suggests a name at the end of a message: ` (did you mean 'p99'?)`; '' without a name. */
export const suggest = (name: string | null): string => (name === null ? '' : ` (did you mean '${name}'?)`)

/** The Levenshtein distance: the number of insertions, deletions and substitutions that turn one word into another. */
function editDistance(from: string, to: string): number {
  let above = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const changed = (above[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1)
      row.push(Math.min(changed, (above[j] as number) + 1, (row[j - 1] as number) + 1))
    }
    above = row
  }
  return above[to.length] as number
}
