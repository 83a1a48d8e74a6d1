/// <reference lib="dom" />
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { affine, type Result, type Scenario, simulate, sweep } from 'throughline'
import { renderHtml, renderSweepSvg } from 'throughline/report'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launch, NO_BROWSER } from '../../support/processes/browser.ts'

const HOSTILE = '<script>document.title="taken"</script><img src=x onerror=alert(1)>"\'&\u001b[31m\u202e__proto__'
const scenario: Scenario = {
  arrivals: '800/s',
  service: affine({ base: '7.5ms', perItem: '0.25ms' }),
  batching: { maxBatchSize: 16, maxWait: '5ms' },
  stop: { requests: 20_000 },
}

/** A page, its console output and its requests. */
interface Opened {
  page: Page
  output: string[]
  requests: string[]
}

describe.skipIf(NO_BROWSER !== null)(`a report in a browser${NO_BROWSER === null ? '' : ` (${NO_BROWSER})`}`, () => {
  let browser: Browser
  let folder: string
  let one: Result
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'throughline-'))
    browser = await launch()
    one = simulate(scenario)
  })
  afterAll(async () => {
    await browser?.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function open(html: string, options: BrowserContextOptions = {}, name = 'report.html'): Promise<Opened> {
    const path = join(folder, name)
    await writeFile(path, html)
    const context = await browser.newContext({ offline: true, viewport: { width: 1200, height: 900 }, ...options })
    const page = await context.newPage()
    const output: string[] = []
    const requests: string[] = []
    page.on('console', (message) => output.push(message.text()))
    page.on('pageerror', (error) => output.push(error.message))
    page.on('request', (request) => requests.push(request.url()))
    page.on('dialog', (dialog) => output.push(`dialog: ${dialog.message()}`))
    await page.goto(pathToFileURL(path).href)
    return { page, output, requests: requests.filter((url) => url !== pathToFileURL(path).href) }
  }

  it('opens offline, without console output or requests, whatever a label holds', async () => {
    const swept = await sweep(scenario, { maxBatchSize: [1, 8, 16] })
    const html = renderHtml([{ name: HOSTILE, result: one }, ...swept], { title: HOSTILE, budget: { p99: '30ms' } })
    const { page, output, requests } = await open(html)
    expect(output).toEqual([])
    expect(requests).toEqual([])
    expect(await page.title()).toContain('<script>document.title="taken"</script><img')
    expect(await page.locator('h1').textContent()).toContain('␛[31m')
    expect(await page.locator('img').count()).toBe(0)
    expect(await page.locator('script').count()).toBe(1)
    expect(await page.getByRole('heading', { name: 'Verdicts' }).isVisible()).toBe(true)
    // before all figures
    const order = await page.locator('h2').allTextContents()
    expect(order[0]).toBe('Verdicts')
    await page.context().close()
  })

  it('runs only its own script', async () => {
    const { page, output } = await open(renderHtml(one))
    const ran = await page.evaluate(() => {
      const script = document.createElement('script')
      script.textContent = 'window.ran = true'
      document.body.append(script)
      return (window as unknown as { ran?: boolean }).ran ?? false
    })
    expect(ran).toBe(false)
    expect(output.join()).toContain('Content Security Policy')
    await page.context().close()
  })

  it('draws the values of the result at the positions of its scales', async () => {
    const { page } = await open(renderHtml(one))
    const drawn = await page.locator('figure:has(#percentiles) .mark').evaluateAll((marks) =>
      marks.map((mark) => {
        const svg = mark.closest('svg') as SVGSVGElement
        const place = (axis: string, value: number) => {
          const [kind, ...ends] = (svg.getAttribute(`data-${axis}-scale`) as string).split(' ')
          const [from, to, start, end] = ends.map(Number) as [number, number, number, number]
          const fraction = kind === 'log' ? Math.log(value / from) / Math.log(to / from) : (value - from) / (to - from)
          return start + fraction * (end - start)
        }
        const dot = mark.querySelector('.dot') as SVGCircleElement
        const { k, v, low, high } = (mark as SVGElement).dataset
        return { k, v, low, high, off: Number(dot.getAttribute('cy')) - place('y', Number(v)) }
      }),
    )
    const { latencyMs } = one
    expect(drawn.map(({ k }) => k)).toEqual(['p50', 'p90', 'p95', 'p99', 'p999', 'max'])
    for (const { k, v, low, high, off } of drawn) {
      const name = k as 'p50'
      expect(Number(v)).toBe(latencyMs[name])
      expect(Math.abs(off)).toBeLessThan(0.1)
      if (k === 'max') continue
      expect(low === undefined ? null : Number(low)).toBe(latencyMs.intervals[name].low)
      expect(high === undefined ? null : Number(high)).toBe(latencyMs.intervals[name].high)
    }
    const sizes = await page
      .locator('figure:has(#batches-0) .mark')
      .evaluateAll((marks) => marks.map((mark) => [(mark as SVGElement).dataset.from, (mark as SVGElement).dataset.v]))
    expect(Object.fromEntries(sizes.map(([size, batches]) => [size, Number(batches)]))).toEqual(one.batches.sizes)
    const segments = await page
      .locator('figure:has(#timeline-0) .mark')
      .evaluateAll((marks) => marks.map((mark) => (mark as SVGElement).dataset.max))
    expect(segments.map(Number)).toEqual(one.segments.map((segment) => segment.latencyMs?.max))
    const parts = await page
      .locator('figure:has(#parts) .mark')
      .evaluateAll((marks) => marks.map((mark) => [(mark as SVGElement).dataset.k, (mark as SVGElement).dataset.v]))
    for (const [name, ms] of parts) expect(Number(ms)).toBe(one[`${name}Ms` as 'serviceMs'].mean)
    await page.context().close()
  })

  it('shows a value on hover, and with the arrow keys', async () => {
    const { page } = await open(renderHtml(one))
    const tip = page.locator('#tip')
    await page.locator('figure:has(#percentiles) .mark[data-k=p99] .hit').hover()
    expect(await tip.textContent()).toMatch(/^p99: [\d.]+ ms/)
    const box = await tip.boundingBox()
    expect(box?.x).toBeGreaterThanOrEqual(0)
    await page.mouse.move(2, 2)
    expect(await tip.textContent()).toBe('')
    // from the top of the page, as a keyboard user would
    const chart = page.locator('figure:has(#percentiles) .chart')
    for (let tabs = 0; tabs < 20 && !(await chart.evaluate((each) => each === document.activeElement)); tabs++) {
      await page.keyboard.press('Tab')
    }
    // where the pointer was
    expect(await tip.textContent()).toMatch(/^p99: /)
    await page.keyboard.press('Home')
    expect(await tip.textContent()).toMatch(/^p50: /)
    await page.keyboard.press('ArrowRight')
    expect(await tip.textContent()).toMatch(/^p90: /)
    await page.keyboard.press('End')
    expect(await tip.textContent()).toMatch(/^max: /)
    await page.keyboard.press('ArrowLeft')
    expect(await tip.textContent()).toMatch(/^p99.9: /)
    await page.keyboard.press('Escape')
    expect(await tip.textContent()).toBe('')
    await page.context().close()
  })

  it('opens its tables by keyboard, with the values of the charts', async () => {
    const { page } = await open(renderHtml(one))
    const details = page.locator('figure:has(#percentiles) details')
    await details.locator('summary').focus()
    await page.keyboard.press('Enter')
    const values = await details
      .locator('td[data-value]')
      .evaluateAll((cells) => cells.map((cell) => (cell as HTMLElement).dataset.value))
    const { p50, p90, p95, p99, p999, max, count } = one.latencyMs
    expect(values.map(Number)).toEqual([p50, p90, p95, p99, p999, max, count])
    await page.context().close()
  })

  it('passes an accessibility check, in light and in dark', async () => {
    const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
    const swept = await sweep(scenario, { maxBatchSize: [1, 8, 16] })
    const html = renderHtml(swept, { budget: { p99: '30ms', throughput: '>= 500/s' } })
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await open(html, { colorScheme, bypassCSP: true })
      await page.addScriptTag({ path: axe })
      for (const details of await page.locator('summary').all()) await details.click()
      const found = await page.evaluate(async () => {
        const { axe } = window as unknown as {
          axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
        }
        const { violations } = await axe.run()
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`)
      })
      expect(found).toEqual([])
      await page.context().close()
    }
  })

  it('is dark if the user prefers it, and light on paper', async () => {
    const { page } = await open(renderHtml(one), { colorScheme: 'dark' })
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    expect(await ground()).toBe('rgb(18, 22, 28)')
    // what is folded away on a screen cannot be opened on paper
    const tables = () =>
      page.evaluate(() =>
        [...document.querySelectorAll('details table')].map((each) => ({
          shown: each.checkVisibility({ contentVisibilityAuto: true }),
          fits: each.getBoundingClientRect().right <= (each.closest('.card')?.getBoundingClientRect().right ?? 0),
        })),
      )
    expect((await tables()).length).toBeGreaterThan(2)
    expect((await tables()).filter(({ shown }) => shown)).toEqual([])
    await page.emulateMedia({ media: 'print' })
    // what the browser has skipped so far it lays out with the next frame
    await expect.poll(async () => (await tables()).filter(({ shown, fits }) => !shown || !fits)).toEqual([])
    expect(await ground()).toBe('rgb(255, 255, 255)')
    expect((await page.pdf({ printBackground: true })).subarray(0, 4).toString()).toBe('%PDF')
    await page.emulateMedia({ media: 'screen', colorScheme: 'light' })
    expect(await ground()).toBe('rgb(255, 255, 255)')
    await page.context().close()
  })

  it('fits a phone, with readable text', async () => {
    const runs = await sweep(scenario, { maxBatchSize: [8, 16, 64] })
    const { page } = await open(renderHtml(runs), { viewport: { width: 360, height: 740 } })
    const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
    expect(wide).toBe(room)
    const heights = await page
      .locator('svg[role=img] .tick text')
      .evaluateAll((texts) => texts.map((text) => text.getBoundingClientRect().height))
    expect(Math.min(...heights.filter((height) => height > 0))).toBeGreaterThan(10)
    await page.context().close()
  })

  it.each([
    [1280, 'light'],
    [768, 'dark'],
    [390, 'light'],
  ] as const)('names twelve runs without cutting or covering a label, %i pixels wide and %s', async (width, scheme) => {
    const given = { ...scenario, arrivals: '450/s', service: affine({ base: '2.1ms', perItem: '0.1ms' }) }
    const points = await sweep(
      { ...given, batching: { maxWait: '2ms' } },
      { maxBatchSize: [1, 2, 4, 8, 16, 32], servers: [1, 2] },
    )
    const html = renderHtml(points, { budget: { p99: '50ms', throughput: '440/s' } })
    const { page } = await open(html, { viewport: { width, height: 900 }, colorScheme: scheme })
    const found = await page.evaluate(() =>
      [...document.querySelectorAll('.chart svg')].flatMap((svg) => {
        const box = svg.getBoundingClientRect()
        const texts = [...svg.querySelectorAll('text')].map((text) => ({
          content: text.textContent ?? '',
          at: text.getBoundingClientRect(),
        }))
        return texts.flatMap(({ content, at }, i) => [
          ...(content.includes('…') ? [`${content} is cut`] : []),
          ...(at.left < box.left - 6 || at.right > box.right + 6 ? [`${content} is outside`] : []),
          ...texts.slice(i + 1).flatMap((other) => {
            const across = Math.min(at.right, other.at.right) - Math.max(at.left, other.at.left)
            const down = Math.min(at.bottom, other.at.bottom) - Math.max(at.top, other.at.top)
            return across > 1 && down > 3 ? [`${content} covers ${other.content}`] : []
          }),
        ])
      }),
    )
    expect(found).toEqual([])
    // before there were ten thousand pixels
    expect(await page.evaluate(() => document.documentElement.scrollHeight)).toBeLessThan(7000)
    await page.context().close()
  })

  it('shows values without scripts', async () => {
    const { page } = await open(renderHtml(one), { javaScriptEnabled: false })
    expect(await page.locator('figure:has(#percentiles) .mark[data-k=p99] title').textContent()).toMatch(/^p99: /)
    await page.context().close()
  })

  it('shows an SVG file as an image, well-formed whatever its title holds', async () => {
    const svg = renderSweepSvg(await sweep(scenario, { maxBatchSize: [8, 16] }), { title: HOSTILE })
    const { page, output } = await open(svg, {}, 'figure.svg')
    expect(output).toEqual([])
    expect(await page.evaluate(() => document.querySelector('parsererror') === null)).toBe(true)
    expect(await page.evaluate(() => document.documentElement.tagName)).toBe('svg')
    expect(await page.evaluate(() => document.querySelector('.ground')?.getBoundingClientRect().width)).toBeGreaterThan(
      900,
    )
    await page.context().close()
  })
})
