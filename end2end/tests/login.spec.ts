import type { Page } from '@playwright/test';
import { expect, logInByForm, open, test, VIEWER_PASSWORD } from '../support/fixtures.ts';
import { expectGoodScreen } from '../support/screens.ts';

const words = {
  zh: {
    name: '用户名',
    password: '密码',
    logIn: '登录',
    wrong: /用户名或密码不正确/,
    logOut: '退出登录',
    view: '显示',
    dark: '深色',
    compact: '紧凑',
    other: 'English',
    otherLang: 'en',
    orders: 'Orders',
  },
  en: {
    name: 'Name',
    password: 'Password',
    logIn: 'Log in',
    wrong: /wrong name or password/i,
    logOut: 'Log out',
    view: 'View',
    dark: 'Dark',
    compact: 'Compact',
    other: '中文',
    otherLang: 'zh-CN',
    orders: '订单',
  },
};

/** Fills and sends the login form. */
async function send(page: Page, t: (typeof words)['zh'], name: string, password: string): Promise<void> {
  await page.getByLabel(t.name, { exact: true }).fill(name);
  await page.getByLabel(t.password, { exact: true }).fill(password);
  await page.getByRole('button', { name: t.logIn, exact: true }).click();
}

/** Opens the operator's menu. */
async function logOut(page: Page, t: (typeof words)['zh'], name: string): Promise<void> {
  await page.locator('summary').filter({ hasText: name }).click();
  await page.getByRole('button', { name: t.logOut }).click();
  await expect(page).toHaveURL('/login');
}

test('a wrong password is said to be, and the name and the way on are kept', { tag: '@language' }, async ({ page, viewer, language }) => {
  const t = words[language];
  await open(page, '/apps/DEMO/refunds?status=fail&sort=amount_asc');
  await expect(page).toHaveURL(/\/login\?next=/);
  await expectGoodScreen(page);
  await send(page, t, viewer, 'not the password');
  await expect(page.getByRole('alert')).toContainText(t.wrong);
  await expect(page.getByLabel(t.name, { exact: true })).toHaveValue(viewer);
  await expect(page.getByLabel(t.password, { exact: true })).toHaveValue('');
  await expect(page.getByLabel(t.password, { exact: true })).toBeFocused();
  await expectGoodScreen(page);

  await send(page, t, viewer, VIEWER_PASSWORD);
  await expect(page).toHaveURL('/apps/DEMO/refunds?status=fail&sort=amount_asc');
});

test('a name that nobody has is refused in the same words', async ({ page, language }) => {
  const t = words[language];
  await open(page, '/login');
  await send(page, t, 'nobody', 'refundry-demo');
  await expect(page.getByRole('alert')).toContainText(t.wrong);
});

test('a login leads to no other site', async ({ page, viewer, language, baseURL }) => {
  for (const next of ['//example.org/', 'https://example.org/', '/\\example.org']) {
    await page.context().clearCookies();
    await open(page, `/login?next=${encodeURIComponent(next)}`);
    await send(page, words[language], viewer, VIEWER_PASSWORD);
    await expect(page).toHaveURL(/\/apps\/DEMO\/orders$/);
    expect(new URL(page.url()).origin).toBe(baseURL);
  }
});

test('who has logged out is out, and nothing of the desk can be seen by going back', async ({
  page,
  viewer,
  language,
}) => {
  const t = words[language];
  await logInByForm(page, viewer);
  await open(page, '/apps/DEMO/orders');
  await logOut(page, t, viewer);
  await page.goto('/apps/DEMO/orders');
  await expect(page).toHaveURL(/\/login\?next=/);
  await page.goBack();
  await page.goBack();
  await expect(page.locator('tbody')).toHaveCount(0);
});

test('the language that was chosen is kept', { tag: '@language' }, async ({ page, viewer, language, scripts }) => {
  const t = words[language];
  await open(page, '/login');
  await page.getByRole('button', { name: t.other }).click();
  await expect(page.locator('html')).toHaveAttribute('lang', t.otherLang);
  await logInByForm(page, viewer);
  await open(page, '/apps/DEMO/orders?status=success');
  await expect(page.getByRole('heading', { level: 1 })).toContainText(t.orders);

  // Changes the language back, on the same page.
  const other = words[language === 'zh' ? 'en' : 'zh'];
  await page.getByRole('button', { name: other.other }).click();
  await expect(page.locator('html')).toHaveAttribute('lang', other.otherLang);
  await expect(page).toHaveURL('/apps/DEMO/orders?status=success');
  expect(await page.locator('html[data-hydrated]').count()).toBeLessThanOrEqual(scripts ? 1 : 0);
});

test('the theme and the height of rows that were chosen are kept', async ({ page, viewer, language }) => {
  const t = words[language];
  const html = page.locator('html');
  await logInByForm(page, viewer);
  await open(page, '/apps/DEMO/orders');
  const rowHeight = async () => (await page.locator('tbody tr').first().boundingBox())!.height;
  const colour = () => html.evaluate((root) => getComputedStyle(root).backgroundColor);
  const [height, light] = [await rowHeight(), await colour()];

  for (const [choice, attribute, value] of [
    [t.dark, 'data-theme', 'dark'],
    [t.compact, 'data-density', 'compact'],
  ] as const) {
    await page.locator('summary').and(page.getByText(t.view, { exact: true })).click();
    await page.getByRole('button', { name: choice, exact: true }).click();
    await expect(html).toHaveAttribute(attribute, value);
    await expect(page.getByRole('button', { name: choice, exact: true, includeHidden: true })).toHaveAttribute(
      'aria-pressed',
      'true',
    );
  }
  await expect(page).toHaveURL(/\/apps\/DEMO\/orders\??$/);
  expect(await rowHeight()).toBeLessThan(height);
  expect(await colour()).not.toBe(light);
  await expectGoodScreen(page);

  await logOut(page, t, viewer);
  await expect(html).toHaveAttribute('data-theme', 'dark');
  await logInByForm(page, viewer);
  await expect(html).toHaveAttribute('data-density', 'compact');
});
