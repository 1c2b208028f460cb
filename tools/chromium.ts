// A Chromium for tests and pictures of the page: Debian's, headless, with a fresh profile, asking nothing of the network.

import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/opt/google/chrome/chrome',
];

const args = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // a camera that shows a test picture, and needs no leave
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
];

/** The browser; undefined where there is none. What the variable GRAFT_CHROMIUM names must be there; empty, it means none. */
export async function openChromium(): Promise<Browser | undefined> {
  const path = process.env['GRAFT_CHROMIUM'] ?? places.find(existsSync) ?? '';
  return path === '' ? undefined : chromium.launch({ executablePath: path, args });
}
