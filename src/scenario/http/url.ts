/**
 * A URL or a path as messages show it: without the user, the password, the query and the fragment, which may hold secrets.
 * The text need not be a valid URL.
 */
export const displayUrl = (text: string) =>
  text.replace(/[?#].*$/s, '').replace(/^([a-z][a-z\d+.-]*:[/\\]*|[/\\]{2,})[^/\\]*@/i, '$1')
