// Draws docs/images/report.png, the report shown in the README: `npm run build && node scripts/report-image.js`.
import { platform } from 'node:process'
import chromium from '@sparticuz/chromium'
import { chromium as launcher } from 'playwright-core'
import { affine, sweep } from '../dist/index.js'
import { renderHtml } from '../dist/report/index.js'

if (platform !== 'linux') throw new Error('the browser of @sparticuz/chromium runs on Linux only')

const swept = await sweep(
  {
    arrivals: '800/s',
    service: affine({ base: '7.5ms', perItem: '0.25ms' }),
    batching: { maxBatchSize: 50, maxWait: '5ms' },
    stop: { requests: 1_000_000 },
  },
  { maxBatchSize: [10, 12, 16, 24, 32] },
)
const browser = await launcher.launch({
  executablePath: await chromium.executablePath(),
  args: ['--no-sandbox', '--disable-gpu'],
  headless: true,
})
const page = await browser.newPage({ viewport: { width: 940, height: 1040 }, colorScheme: 'light' })
await page.setContent(renderHtml(swept, { title: 'Which batch size?', budget: { p99: '22ms' } }))
await page.screenshot({ path: new URL('../docs/images/report.png', import.meta.url).pathname })
await browser.close()
