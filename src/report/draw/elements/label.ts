/** Cuts a label to at most `longest` characters, with an ellipsis. */
export function shorten(label: string, longest: number): string {
  const characters = [...label]
  return characters.length <= longest ? label : `${characters.slice(0, longest - 1).join('')}…`
}

/** Removes the words that all labels begin or end with, so that only the differences are left. */
export function stripCommonWords(labels: readonly string[]): string[] {
  const words = labels.map((label) => label.split(' '))
  const fewest = Math.min(...words.map((each) => each.length)) - 1
  const isCommon = (i: number) => words.every((each) => each.at(i) === words[0]?.at(i))
  let before = 0
  while (labels.length > 1 && before < fewest && isCommon(before)) before++
  let after = 0
  while (labels.length > 1 && before + after < fewest && isCommon(-1 - after)) after++
  // a shortened list may end in a comma
  return words.map((each) =>
    each
      .slice(before, each.length - after)
      .join(' ')
      .replace(/,$/, ''),
  )
}
