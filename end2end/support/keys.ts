import type { Page } from '@playwright/test';

/** Pause between the repetitions of a held key, and between quick presses. */
const QUICK_MS = 30;

/** Holds a key for about a second, with the repetitions of a keyboard, and does not release it. */
export async function hold(page: Page, key: string): Promise<void> {
  for (let i = 0; i < 30; i++) {
    await page.keyboard.down(key);
    await page.waitForTimeout(QUICK_MS);
  }
}

/** Presses a key three times in quick succession. */
export async function pressThrice(page: Page, key: string): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await page.keyboard.press(key);
    await page.waitForTimeout(QUICK_MS);
  }
}

/**
 * Presses `first`, and from then on `button` in every frame in which it says that it takes no press, once it
 * is there. For how long it said so, in milliseconds.
 */
export async function pressInEveryFrame(page: Page, first: string, button: string): Promise<number> {
  return page.evaluate(
    async ([first, button]) => {
      const found = (selector: string) => document.querySelector<HTMLButtonElement>(selector);
      const frame = () => new Promise(requestAnimationFrame);
      found(first)!.click();
      while (!found(button)) await frame();
      const began = performance.now();
      do {
        found(button)?.click();
        await frame();
      } while (found(button)?.ariaDisabled !== null);
      return performance.now() - began;
    },
    [first, button] as const,
  );
}

/** Collects the addresses of POST requests from now on. */
export function posts(page: Page): string[] {
  const sent: string[] = [];
  page.on('request', (request) => request.method() === 'POST' && sent.push(request.url()));
  return sent;
}
