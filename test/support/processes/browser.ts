import { arch, platform } from 'node:process'
import chromium from '@sparticuz/chromium'
import { type Browser, chromium as launcher } from 'playwright-core'

/** Why no browser can run here; null if one can. The package's browser is for Linux on x64. */
export const NO_BROWSER = platform === 'linux' && arch === 'x64' ? null : `no browser for ${platform} on ${arch}`

/** Launches a headless browser, which is unpacked into the temporary folder once. */
export async function launch(): Promise<Browser> {
  return launcher.launch({
    executablePath: await chromium.executablePath(),
    args: ['--no-sandbox', '--disable-gpu'],
    headless: true,
  })
}
