/** A label where there is room for so many characters. */
export function short(label: string, most: number): string {
  const characters = [...label]
  return characters.length <= most ? label : `${characters.slice(0, most - 1).join('')}…`
}

/** Labels without the words that all of them begin or end with: what tells them apart is what has to be read. */
export function apartInWords(labels: readonly string[]): string[] {
  const words = labels.map((label) => label.split(' '))
  const fewest = Math.min(...words.map((each) => each.length)) - 1
  const alike = (i: number) => words.every((each) => each.at(i) === words[0]?.at(i))
  let before = 0
  while (labels.length > 1 && before < fewest && alike(before)) before++
  let after = 0
  while (labels.length > 1 && before + after < fewest && alike(-1 - after)) after++
  // what is left of a list ends in its comma
  return words.map((each) =>
    each
      .slice(before, each.length - after)
      .join(' ')
      .replace(/,$/, ''),
  )
}
