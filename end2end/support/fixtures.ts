import { AxeBuilder } from '@axe-core/playwright';
import { type Cookie, type Page, expect, test as base } from '@playwright/test';
import { Gateway } from './gateway.ts';
import { Server } from './server.ts';

/** Password of the demonstration's operator. */
const PASSWORD = 'refundry-demo';

/** Password of the operator who may only look: nobody but the demonstration's operator may have the published one. */
export const VIEWER_PASSWORD = 'three lame mules';

/** Name of the cookie of a session. */
const SESSION = 'refundry_session';

/** Session cookies by operator, of this worker's server. */
const sessions = new Map<string, Cookie>();

/** Options of a project in playwright.config.ts. */
export type Options = { language: 'zh' | 'en' };

type TestFixtures = Options & {
  /** True where the browser of this project runs scripts. */
  scripts: boolean;
  /** Fails a test in which the page or the server broke, even if all its own expectations held. */
  soundness: void;
};

type WorkerFixtures = {
  server: Server;
  /** The merchant's side: creates the orders and refunds that a test is about. */
  gateway: Gateway;
  /** Name of an operator who may only look; the password is `VIEWER_PASSWORD`. */
  viewer: string;
};

export { expect, type Page };

export const test = base.extend<TestFixtures, WorkerFixtures>({
  language: ['zh', { option: true }],

  server: [
    async ({}, use) => {
      const server = await Server.start();
      await use(server);
      await server.stop();
    },
    { scope: 'worker' },
  ],

  gateway: [async ({ server }, use) => use(new Gateway(server.url)), { scope: 'worker' }],

  viewer: [
    async ({ server }, use) => {
      server.addOperator('viewer', 'viewer', VIEWER_PASSWORD);
      await use('viewer');
    },
    { scope: 'worker' },
  ],

  baseURL: async ({ server }, use) => use(server.url),

  scripts: async ({ javaScriptEnabled }, use) => use(javaScriptEnabled ?? true),

  soundness: [
    async ({ page, server }, use, info) => {
      const faults: string[] = [];
      page.on('pageerror', (error) => faults.push(`script failed: ${error.message}`));
      page.on('console', (message) => {
        // The browser reports each refusal (4xx) as an error; tests provoke those on purpose.
        const isRefusal = /^Failed to load resource: .* status of 4\d\d|HTTP status code is not ok/.test(message.text());
        if (message.type() === 'error' && !isRefusal) faults.push(`console: ${message.text()}`);
      });
      page.on('response', (response) => {
        if (response.status() >= 500) faults.push(`${response.status()} from ${response.url()}`);
      });
      const before = server.log().length;
      await use();
      if (info.status !== info.expectedStatus || faults.length > 0) {
        await info.attach('server.log', { body: server.log().slice(before) });
      }
      expect(faults).toEqual([]);
    },
    { auto: true },
  ],
});

/** Goes to a page, and waits for its hydration where scripts run. */
export async function open(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await settled(page);
}

/** Waits for the page's hydration: at its end `hydrate()` sets `data-hydrated` on the root element. */
export async function settled(page: Page): Promise<void> {
  if (scriptsRun()) await expect(page.locator('html')).toHaveAttribute('data-hydrated');
}

/**
 * Gives the page a login of the demonstration's operator, or of somebody else, that was made once for all tests of
 * this worker. A test that logs out, or is about logging in, uses `logInByForm`.
 */
export async function login(page: Page, name = 'admin'): Promise<void> {
  const context = page.context();
  const known = sessions.get(name);
  if (known) return context.addCookies([known]);
  // A login ends the session that the browser comes with: that may be another operator's.
  await context.clearCookies({ name: SESSION });
  await logInByForm(page, name);
  const session = (await context.cookies()).find((cookie) => cookie.name === SESSION);
  sessions.set(name, session!);
}

/** Logs in by the form, as the demonstration's operator or as somebody else. */
export async function logInByForm(page: Page, name = 'admin'): Promise<void> {
  const password = name === 'admin' ? PASSWORD : VIEWER_PASSWORD;
  await open(page, '/login');
  const form = page.locator('form').filter({ has: page.locator('input[type=password]') });
  await form.locator('input[autocomplete=username]').fill(name);
  await form.locator('input[type=password]').fill(password);
  await form.locator('button.primary').click();
  await expect(page).not.toHaveURL(/\/login/);
  await settled(page);
}

/** Expects that the page as it is now breaks no rule of WCAG 2.2 AA that a program can check, or none of `rules`. */
export async function expectAccessible(page: Page, rules?: string[]): Promise<void> {
  const subject = scriptsRun() ? page : await likeness(page);
  // The legacy mode checks within the page, which has no frames, where the other opens a second one each time.
  const checker = new AxeBuilder({ page: subject }).setLegacyMode();
  if (rules) checker.withRules(rules);
  else checker.withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']);
  const { violations } = await checker.analyze();
  if (subject !== page) await subject.context().close();
  const found = violations.map(({ id, help, nodes }) => [`${id}: ${help}`, ...nodes.map((node) => node.html)].join('\n  '));
  expect(found).toEqual([]);
}

/** Opens a copy of the page in a browser that runs the checker's script, but none of the page's own. */
async function likeness(page: Page): Promise<Page> {
  const context = await page.context().browser()!.newContext({ javaScriptEnabled: true, viewport: page.viewportSize() });
  const copy = await context.newPage();
  const body = await page.content();
  await copy.route('**/*.js', (route) => route.abort());
  await copy.route(page.url(), (route) => route.fulfill({ contentType: 'text/html; charset=utf-8', body }));
  await copy.goto(page.url());
  return copy;
}

function scriptsRun(): boolean {
  return test.info().project.use.javaScriptEnabled ?? true;
}
