import type { Page } from '@playwright/test';
import { expect, expectAccessible } from './fixtures.ts';

/** The page as it is now, in the light and in the dark, breaks no rule that a program can check. */
export async function expectAccessibleInAnyLight(page: Page): Promise<void> {
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    await expectAccessible(page);
  }
}

/** The page as it is now fits the narrowest telephone: it never scrolls sideways. */
export async function expectFitsTelephone(page: Page): Promise<void> {
  const before = page.viewportSize()!;
  await page.setViewportSize({ width: 375, height: 740 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(375);
  await page.setViewportSize(before);
}

/** Everything above, for a screen that is in a state worth looking at. */
export async function expectGoodScreen(page: Page): Promise<void> {
  await expectFitsTelephone(page);
  await expectAccessibleInAnyLight(page);
}
