import { arch, platform } from 'node:process'
import chromium from '@sparticuz/chromium'
import { type Browser, chromium as launcher } from 'playwright-core'

/** Why no browser can be run here; null where one can. The one that the registry brings is for Linux on x64. */
export const NO_BROWSER = platform === 'linux' && arch === 'x64' ? null : `no browser for ${platform} on ${arch}`

/** A browser without a window; it is unpacked into the folder for temporary files, once. */
export async function launch(): Promise<Browser> {
  return launcher.launch({
    executablePath: await chromium.executablePath(),
    args: ['--no-sandbox', '--disable-gpu'],
    headless: true,
  })
}
