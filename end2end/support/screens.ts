import type { Page } from '@playwright/test';
import { expect, expectAccessible } from './fixtures.ts';

/** Expects that the page as it is now breaks no checkable accessibility rule, in the light and in the dark theme. */
export async function expectAccessibleInAnyLight(page: Page): Promise<void> {
  await page.emulateMedia({ colorScheme: 'dark' });
  await expectAccessible(page, ['color-contrast', 'link-in-text-block']); // the rules about colours
  await page.emulateMedia({ colorScheme: 'light' });
  await expectAccessible(page);
}

/** Expects that the page as it is now fits the narrowest telephone: it does not scroll sideways. */
export async function expectFitsTelephone(page: Page): Promise<void> {
  const before = page.viewportSize()!;
  await page.setViewportSize({ width: 375, height: 740 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(375);
  await page.setViewportSize(before);
}

/** Expects all of the above. */
export async function expectGoodScreen(page: Page): Promise<void> {
  await expectFitsTelephone(page);
  await expectAccessibleInAnyLight(page);
}
