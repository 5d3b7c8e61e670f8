import type { Page } from '@playwright/test';
import { unique } from '../support/gateway.ts';
import { expect, expectAccessible, login, open, test } from '../support/fixtures.ts';

const LIST = '/apps/DEMO/refunds';

const words = {
  zh: {
    heading: '退款',
    number: '单号',
    title: '标题',
    lowest: '最低金额',
    channel: '通道',
    apply: '筛选',
    clear: '清除全部筛选',
    removeNumber: '去掉筛选：单号',
    notAnAmount: '不是有效的金额',
    noMatch: '没有符合条件的结果',
    noneToDo: '没有待人工处理的退款',
    all: '全部',
    success: '退款成功',
    fail: '退款失败',
    closed: '已关闭',
    attention: '待人工处理',
    absent: '通道查无此退款',
    next: '下一页',
    previous: '上一页',
    first: '首页',
    amount: '金额（元）',
    copied: '已复制',
  },
  en: {
    heading: 'Refunds',
    number: 'Number',
    title: 'Title',
    lowest: 'lowest amount',
    channel: 'Channel',
    apply: 'Apply',
    clear: 'Clear all filters',
    removeNumber: 'Remove filter: number',
    notAnAmount: 'is not an amount',
    noMatch: 'Nothing matches',
    noneToDo: 'No refund needs a person',
    all: 'All',
    success: 'Succeeded',
    fail: 'Failed',
    closed: 'Closed',
    attention: 'Needs a person',
    absent: 'Unknown to the channel',
    next: 'Next',
    previous: 'Previous',
    first: 'First',
    amount: 'Amount (yuan)',
    copied: 'Copied',
  },
};

/** Reads the refund numbers of the list, from the top. */
const numbers = (page: Page) => page.locator('tbody a[data-row]');

/** Reads the filters in the address. Without scripts a form sends its empty fields too. */
const given = (url: URL) => [...url.searchParams].filter(([, value]) => value !== '');

/** Types into a filter. Without scripts it presses the form's button. */
async function filter(page: Page, label: string, value: string, apply: string, scripts: boolean): Promise<void> {
  await page.getByLabel(label, { exact: true }).fill(value);
  if (!scripts) await page.getByRole('button', { name: apply, exact: true }).click();
}

test.beforeEach(async ({ page }) => login(page));

test('a refund is found by every number that it or its order has', async ({ page, gateway, language, scripts }) => {
  const t = words[language];
  const refund = await gateway.refund('OK');
  const known = [
    refund.refundNo,
    refund.bizRefundNo,
    `SBXR-${refund.refundNo}`,
    refund.order.orderNo,
    refund.order.bizOrderNo,
    refund.order.outOrderNo,
    refund.bizRefundNo.slice(0, -1),
    ` ${refund.order.outOrderNo.slice(0, -1)} `,
  ];
  await open(page, LIST);
  for (const number of known) {
    await filter(page, t.number, number, t.apply, scripts);
    await expect(page).toHaveURL((url) => url.searchParams.get('q')?.trim() === number.trim());
    await expect(numbers(page)).toHaveText([refund.refundNo]);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(`${t.heading} 1`);
  }
  await expectAccessible(page);

  await page.getByRole('link', { name: t.removeNumber }).click();
  await expect(page).toHaveURL((url) => given(url).length === 0);
  await expect(page.getByLabel(t.number, { exact: true })).toHaveValue('');
  await expect(numbers(page)).toHaveCount(25);
});

test('filters narrow together, stand in the address, and say what is wrong where it is', async ({
  page,
  gateway,
  language,
  scripts,
}) => {
  const t = words[language];
  const title = `茶 ${unique()}`;
  await gateway.refund('OK', { title, amount: 10 });
  const [twenty, thirty] = [
    await gateway.refund('FAIL', { title, amount: 20 }),
    await gateway.refund('OK', { title, amount: 30.5 }),
  ];
  await open(page, LIST);
  await filter(page, t.title, title, t.apply, scripts);
  await expect(numbers(page)).toHaveCount(3);
  await filter(page, t.lowest, '15', t.apply, scripts);
  await expect(numbers(page)).toHaveText([thirty.refundNo, twenty.refundNo]);

  await page.getByLabel(t.channel, { exact: true }).selectOption('ali_pay');
  if (!scripts) await page.getByRole('button', { name: t.apply, exact: true }).click();
  await expect(page.getByRole('heading', { level: 2, name: t.noMatch })).toBeVisible();
  await expectAccessible(page);

  // The address holds the whole state: another page shows the same list.
  const address = new URL(page.url());
  expect(Object.fromEntries(given(address))).toEqual({ title, channel: 'ali_pay', min: '15' });
  address.searchParams.set('channel', 'sandbox');
  await open(page, address.pathname + address.search);
  await expect(numbers(page)).toHaveCount(2);
  await expect(page.getByLabel(t.lowest, { exact: true })).toHaveValue('15');

  await filter(page, t.lowest, '1.2.3', t.apply, scripts);
  await expect(page.locator('.filters')).toContainText(t.notAnAmount);
  await expect(page.getByLabel(t.lowest, { exact: true })).toHaveValue('1.2.3');
  await expectAccessible(page);

  await page.locator('.filters').getByRole('link', { name: t.clear }).click();
  await expect(page).toHaveURL(LIST);
  await expect(numbers(page)).toHaveCount(25);
});

test('days are days of the desk, and the usual ones are one click away', { tag: '@once' }, async ({ page, gateway }) => {
  const { bizRefundNo, refundNo } = await gateway.refund('OK');
  await open(page, `${LIST}?q=${bizRefundNo}`);
  await page.locator('.usual a').first().click();
  await expect(page).toHaveURL(/from=\d{4}-\d{2}-\d{2}/);
  await expect(numbers(page)).toHaveText([refundNo]);
  await open(page, `${LIST}?q=${bizRefundNo}&to=2020-01-01`);
  await expect(numbers(page)).toHaveCount(0);
});

test('chips count the states and lead to them', { tag: '@language' }, async ({ page, gateway, language }) => {
  const t = words[language];
  const title = `壶 ${unique()}`;
  await gateway.refund('OK', { title });
  await gateway.refund('OK', { title });
  const failed = await gateway.refund('FAIL', { title });
  const absent = await gateway.refund('ABSENT', { title });
  await gateway.sync(absent);

  await open(page, `${LIST}?title=${encodeURIComponent(title)}`);
  const chip = (name: string) => page.locator('.chips').getByRole('link', { name });
  await expect(chip(t.all)).toContainText('4');
  await expect(chip(t.success)).toContainText('2');
  await expect(chip(t.closed)).toContainText('0');
  await expect(chip(t.all)).toHaveAttribute('aria-current', 'true');

  await chip(t.fail).click();
  await expect(page).toHaveURL(/status=fail/);
  await expect(numbers(page)).toHaveText([failed.refundNo]);
  // A chip counts the rows that a press of it would show.
  await expect(chip(t.all)).toContainText('4');
  await expect(chip(t.attention)).toContainText('0');

  await chip(t.attention).click();
  await expect(page.getByRole('heading', { level: 2 })).toHaveText(t.noMatch);
  await chip(t.all).click();
  await expect(numbers(page)).toHaveText([absent.refundNo]);
  await expect(page.locator('tbody')).toContainText(t.absent);
  await expectAccessible(page);

  // A press of the chosen chip removes its filter.
  await chip(t.attention).click();
  await expect(numbers(page)).toHaveCount(4);
});

test('a list in which nothing needs a person says so', { tag: '@once' }, async ({ page, language }) => {
  await open(page, `${LIST}?review=1&status=close`);
  await expect(page.getByRole('heading', { level: 2 })).toHaveText(words[language].noMatch);
  await open(page, `${LIST}?review=maybe`);
  await expect(page.getByRole('alert')).toBeVisible();
});

test('pages are turned by key, forwards and back', async ({ page, language }) => {
  const t = words[language];
  // Refunds of other tests come last in this sort order.
  await open(page, `${LIST}?sort=time_asc`);
  const first = await numbers(page).allTextContents();
  expect(first).toHaveLength(25);
  await expect(page.getByRole('link', { name: t.previous })).toHaveCount(0);
  await page.getByRole('link', { name: t.next }).click();
  await expect(page).toHaveURL(/after=/);
  await expect(numbers(page).first()).not.toHaveText(first[0]!);
  const second = await numbers(page).allTextContents();
  expect(new Set([...first, ...second]).size).toBe(50);
  await expectAccessible(page);

  await page.getByRole('link', { name: t.next }).click();
  await expect(numbers(page).first()).not.toHaveText(second[0]!);
  await page.getByRole('link', { name: t.previous }).click();
  await expect(numbers(page)).toHaveText(second);
  await page.goBack();
  await page.goBack();
  await expect(numbers(page)).toHaveText(second);
  await page.getByRole('link', { name: t.first }).click();
  await expect(numbers(page)).toHaveText(first);
});

test('the heads of the columns sort', { tag: '@once' }, async ({ page, gateway, language }) => {
  const title = `盏 ${unique()}`;
  const made = [];
  for (const amount of [5, 50, 20]) made.push((await gateway.refund('OK', { title, amount })).refundNo);
  const [five, fifty, twenty] = made as [string, string, string];
  await open(page, `${LIST}?title=${encodeURIComponent(title)}`);
  await expect(numbers(page)).toHaveText([twenty, fifty, five]);
  const head = page.getByRole('columnheader', { name: words[language].amount });
  await head.getByRole('link').click();
  await expect(numbers(page)).toHaveText([fifty, twenty, five]);
  await expect(head).toHaveAttribute('aria-sort', 'descending');
  await head.getByRole('link').click();
  await expect(numbers(page)).toHaveText([five, twenty, fifty]);
});

test('a row leads to its refund, and back leads to the list as it was', async ({ page, gateway }) => {
  const { bizRefundNo, refundNo } = await gateway.refund('OK');
  await open(page, `${LIST}?q=${bizRefundNo}`);
  await page.locator('tbody tr').click();
  await expect(page).toHaveURL(`${LIST}/${refundNo}`);
  await expect(page.getByRole('heading', { level: 1 })).toContainText(refundNo);
  await page.goBack();
  await expect(numbers(page)).toHaveText([refundNo]);
});

test('the list is worked by keyboard alone', { tag: '@scripts' }, async ({ page, gateway, language, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const title = `杯 ${unique()}`;
  const older = await gateway.refund('OK', { title });
  const newer = await gateway.refund('OK', { title });
  await open(page, `${LIST}?title=${encodeURIComponent(title)}`);
  await page.keyboard.press('j');
  await expect(numbers(page).first()).toBeFocused();
  await page.keyboard.press('j');
  await page.keyboard.press('c');
  await expect(page.locator('#said')).toHaveText(words[language].copied);
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(older.refundNo);
  await page.keyboard.press('k');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(`${LIST}/${newer.refundNo}`);
});

test('the list fits a telephone, and the dark', { tag: '@once' }, async ({ page, language }) => {
  await page.setViewportSize({ width: 375, height: 740 });
  await page.emulateMedia({ colorScheme: 'dark' });
  await open(page, `${LIST}?review=1`);
  await expect(page.locator('tbody tr').first()).toContainText(/\d/);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(375);
  await expect(page.locator('.chips')).toContainText(words[language].attention);
  await expectAccessible(page);
});
