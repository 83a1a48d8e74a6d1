import type { HttpTarget } from 'throughline'

/** Where the requests of a feature go. */
export interface Place {
  url: string
  http2Url: string
  /** a file of rows with the column `id` */
  file: string
  connections: number
}

const PATHS = ['/browse', '/search', '/basket', '/checkout']

/** Targets that differ from `none` by one feature each. */
export const FEATURES: Record<string, (place: Place) => HttpTarget> = {
  none: ({ url }) => ({ url }),
  'three headers': ({ url }) => ({
    url,
    headers: { accept: 'text/plain', authorization: 'Bearer abc', 'x-load': '1' },
  }),
  'a JSON body from a function': ({ url }) => ({ url, body: (index) => ({ user: index, item: 'book' }) }),
  'statuses that are fine or rejected': ({ url }) => ({ url, statuses: { ok: [404], rejected: [503] } }),
  'a check of the status': ({ url }) => ({ url, check: ({ status }) => status === 200 }),
  'a check of the body': ({ url }) => ({ url, check: (answer) => answer.text() === 'ok' }),
  'a list of 4 requests': ({ url }) => ({ url, requests: PATHS.map((path) => ({ path })) }),
  'a list of 4 requests with classes': ({ url }) => ({
    url,
    requests: PATHS.map((path) => ({ path, class: path.slice(1) })),
  }),
  'a function of requests': ({ url }) => ({ url, requests: (index) => ({ path: `/users/${index}` }) }),
  'a function of requests with classes': ({ url }) => ({
    url,
    classes: PATHS.map((path) => path.slice(1)),
    requests: (index) => {
      const path = PATHS[index % PATHS.length] as string
      return { path, class: path.slice(1) }
    },
  }),
  'a path filled in from a file of 1,000 rows': ({ url, file }) => ({ url: `${url}/users/{id}`, data: file }),
  'redirects followed, but none met': ({ url }) => ({ url, maxRedirects: 3 }),
  'a redirect followed for each request': ({ url }) => ({ url: `${url}/redirect`, maxRedirects: 3 }),
  'HTTP/2 on one connection': ({ http2Url, connections }) => ({
    url: http2Url,
    http2: true,
    connections: 1,
    pipelining: connections,
  }),
}
