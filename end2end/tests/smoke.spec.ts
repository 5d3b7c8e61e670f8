import { expect, expectAccessible, logInByForm, open, test } from '../support/fixtures.ts';

test('the desk opens, after a login, in the language that the browser prefers', { tag: '@language' }, async ({ page, language, scripts }) => {
  await open(page, '/');
  await expect(page).toHaveURL(/\/login/);
  await expect(page.locator('html')).toHaveAttribute('lang', new RegExp(`^${language}`));
  await expectAccessible(page);

  await logInByForm(page);
  await expect(page.locator('main')).toBeVisible();
  await expectAccessible(page);
  expect(await page.locator('html[data-hydrated]').count()).toBe(scripts ? 1 : 0);
});

test('what a page loads may be kept for ever and comes compressed', { tag: '@once' }, async ({ page, request }) => {
  await page.goto('/login');
  const style = await page.locator('link[rel=stylesheet]').getAttribute('href');
  const response = await request.get(style!, { headers: { 'accept-encoding': 'br' } });
  expect(response.status()).toBe(200);
  expect(response.headers()['content-encoding']).toBe('br');
  expect(response.headers()['cache-control']).toContain('immutable');
});
