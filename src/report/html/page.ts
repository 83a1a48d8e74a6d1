import { createHash } from 'node:crypto'
import { type Content, Markup, markup } from '../markup.js'
import { PAGE_SCRIPT } from './script.js'
import { PAGE_STYLE } from './style.js'

const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** The content security policy: nothing is loaded, and only the page's own script and style run. */
export const PAGE_POLICY = `default-src 'none'; style-src ${hash(PAGE_STYLE)}; script-src ${hash(PAGE_SCRIPT)}; base-uri 'none'; form-action 'none'`

/** Renders a self-contained HTML page. */
export function renderPage(title: string, body: Content, head: Content = ''): string {
  return `<!doctype html>\n${markup`<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="Content-Security-Policy" content="${new Markup(PAGE_POLICY)}">${head}<title>${title}</title><style>${new Markup(PAGE_STYLE)}</style></head><body><main>${body}</main><div id="tip" role="status"></div><script>${new Markup(PAGE_SCRIPT)}</script></body></html>`}\n`
}
