import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';
import { defineConfig } from '@playwright/test';
import type { Options } from './support/fixtures.ts';

/** Finds the machine's Chromium; nothing is downloaded. CHROMIUM names another one. */
function chromium(): string {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = [process.env.CHROMIUM ?? '', ...names]
    .flatMap((name) => (name.includes('/') ? name : folders.map((folder) => name && join(folder, name))))
    .find((path) => path && existsSync(path));
  if (!found) throw new Error('no Chromium was found; `make setup-tests` installs it');
  return found;
}

const zh = { language: 'zh', locale: 'zh-CN', timezoneId: 'Asia/Shanghai' } as const;
const en = { language: 'en', locale: 'en-GB', timezoneId: 'Europe/London' } as const;

export default defineConfig<Options>({
  testDir: 'tests',
  outputDir: 'results/artifacts',
  reporter: [['line'], ['json', { outputFile: 'results/report.json' }]],
  workers: Math.min(4, availableParallelism()),
  forbidOnly: !!process.env.CI,
  // Room for a slow, busy machine. Tests wait for events, so a fast machine does not wait longer.
  timeout: 60_000,
  expect: { timeout: 15_000 },
  // In continuous integration a test may run twice; tools/test.sh names those that did.
  retries: process.env.CI ? 1 : 0,
  use: {
    // A trace slows every test. In continuous integration the second try of a failed test makes one.
    trace: process.env.CI ? 'on-first-retry' : 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: chromium(),
      args: ['--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync'],
    },
  },
  // Each worker has a server of its own and tests do not share what they are about: any worker takes any test.
  fullyParallel: true,
  projects: [
    // Everything.
    { name: 'zh', use: zh },
    // All but what scripts do (`@scripts`), and what is the same with and without them (`@once`).
    { name: 'zh, no scripts', use: { ...zh, javaScriptEnabled: false }, grepInvert: /@scripts|@once/ },
    // Nothing but texts depends on the language. So `@language` marks what is looked at in English too: every page
    // (pages.spec.ts), the choice of the language, and the sentences that are made up of what happened.
    { name: 'en', use: en, grep: /@language/ },
  ],
});
