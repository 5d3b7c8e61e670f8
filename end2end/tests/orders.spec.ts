import type { Page } from '@playwright/test';
import { unique } from '../support/gateway.ts';
import { expect, login, open, test } from '../support/fixtures.ts';
import { expectGoodScreen } from '../support/screens.ts';

const LIST = '/apps/DEMO/orders';

const words = {
  zh: {
    heading: '订单',
    number: '单号',
    title: '标题',
    lowest: '最低金额',
    highest: '最高金额',
    from: '开始日期',
    to: '结束日期',
    channel: '通道',
    status: '状态',
    refundSide: '退款状态',
    apply: '筛选',
    remove: (name: string) => `去掉筛选：${name}`,
    amount: '金额',
    time: '时间',
    clear: '清除全部筛选',
    notAnAmount: '不是有效的金额',
    noMatch: '没有符合条件的结果',
    amountHead: '金额（元）',
    createdHead: '创建时间',
    next: '下一页',
    previous: '上一页',
    first: '首页',
    copy: '复制订单号',
    copied: '已复制',
    search: '搜索',
  },
  en: {
    heading: 'Orders',
    number: 'Number',
    title: 'Title',
    lowest: 'lowest amount',
    highest: 'highest amount',
    from: 'from date',
    to: 'to date',
    channel: 'Channel',
    status: 'Status',
    refundSide: 'Refund status',
    apply: 'Apply',
    remove: (name: string) => `Remove filter: ${name.toLowerCase()}`,
    amount: 'Amount',
    time: 'Time',
    clear: 'Clear all filters',
    notAnAmount: 'is not an amount',
    noMatch: 'Nothing matches',
    amountHead: 'Amount (yuan)',
    createdHead: 'Created',
    next: 'Next',
    previous: 'Previous',
    first: 'First',
    copy: 'Copy order number',
    copied: 'Copied',
    search: 'Search',
  },
};

/** Reads the order numbers of the list, from the top. */
const numbers = (page: Page) => page.locator('tbody a[data-row]');
const heading = (page: Page) => page.getByRole('heading', { level: 1 });
const field = (page: Page, label: string) => page.locator('.filters').getByLabel(label, { exact: true });

/** Reads the filters in the address. Without scripts a form sends its empty fields too. */
function parameters(page: Page): Record<string, string> {
  const given = [...new URL(page.url()).searchParams].map(([name, value]) => [name, value.trim()] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== ''));
}

/** Sets a filter. Without scripts it presses the form's button. */
async function filter(page: Page, label: string, value: string, apply: string, scripts: boolean): Promise<void> {
  const control = field(page, label);
  const isChoice = (await control.evaluate((element) => element.tagName)) === 'SELECT';
  await (isChoice ? control.selectOption(value) : control.fill(value));
  if (!scripts) await page.getByRole('button', { name: apply, exact: true }).click();
}

test.beforeEach(async ({ page }) => login(page));

test('an order is found by every number that it has', async ({ page, gateway, language, scripts }) => {
  const t = words[language];
  const order = await gateway.order('OK');
  const known = [
    order.orderNo,
    order.bizOrderNo,
    order.outOrderNo,
    order.bizOrderNo.slice(0, -1),
    ` ${order.outOrderNo.slice(0, -1)} `,
  ];
  await open(page, LIST);
  for (const number of known) {
    await filter(page, t.number, number, t.apply, scripts);
    await expect.poll(() => parameters(page)).toEqual({ q: number.trim() });
    await expect(numbers(page)).toHaveText([order.orderNo]);
    await expect(heading(page)).toHaveText(`${t.heading} 1`);
  }
  await expectGoodScreen(page);

  // Numbers begin with the time, so that other orders may share all but the last letters.
  await filter(page, t.number, order.orderNo.slice(0, -2), t.apply, scripts);
  await expect(numbers(page).filter({ hasText: order.orderNo })).toHaveCount(1);

  await page.getByRole('link', { name: t.remove(t.number) }).click();
  await expect(page).toHaveURL(LIST);
  await expect(field(page, t.number)).toHaveValue('');
  await expect(numbers(page)).toHaveCount(25);
});

test('every filter narrows the list, stands in the address and can be taken away', async ({
  page,
  gateway,
  language,
  scripts,
}) => {
  const t = words[language];
  const title = `茶 ${unique()}`;
  const untouched = await gateway.order('OK', { title: `${title} 甲`, amount: 10 });
  const partly = await gateway.order('OK', { title: `${title} 乙`, amount: 20 });
  const wholly = await gateway.order('OK', { title: `${title} 丙`, amount: 30.5 });
  await gateway.refund(partly, { amount: 5 });
  await gateway.refund(wholly, { amount: 30.5 });
  const all = [wholly, partly, untouched].map((order) => order.orderNo);

  await open(page, LIST);
  await filter(page, t.title, title, t.apply, scripts);
  await expect(numbers(page)).toHaveText(all);
  await expect(heading(page)).toHaveText(`${t.heading} 3`);

  // Label, parameter, value, the orders that are left, and the name of the filter's cross.
  const cases = [
    [t.channel, 'channel', 'sandbox', all, t.channel],
    [t.channel, 'channel', 'wechat_pay', [], t.channel],
    [t.status, 'status', 'success', all, t.status],
    [t.status, 'status', 'wait', [], t.status],
    [t.refundSide, 'refund', 'no_refund', [untouched.orderNo], t.refundSide],
    [t.refundSide, 'refund', 'partial_refund', [partly.orderNo], t.refundSide],
    [t.refundSide, 'refund', 'refunded', [wholly.orderNo], t.refundSide],
    [t.lowest, 'min', '20', [wholly.orderNo, partly.orderNo], t.amount],
    [t.highest, 'max', '20', [partly.orderNo, untouched.orderNo], t.amount],
    [t.from, 'from', '2020-01-31', all, t.time],
    [t.to, 'to', '2020-01-31', [], t.time],
  ] as const;
  for (const [label, parameter, value, left, name] of cases) {
    await filter(page, label, value, t.apply, scripts);
    await expect.poll(() => parameters(page)).toEqual({ title, [parameter]: value });
    await expect(numbers(page)).toHaveText(left);
    await expect(heading(page)).toHaveText(`${t.heading} ${left.length}`);
    await page.getByRole('link', { name: t.remove(name), exact: true }).click();
    await expect(numbers(page)).toHaveText(all);
    expect(parameters(page)).toEqual({ title });
  }

  // All filters together, opened from an address.
  await open(page, `${LIST}?${new URLSearchParams({ title, status: 'success', min: '15', max: '25' })}`);
  await expect(numbers(page)).toHaveText([partly.orderNo]);
  await expect(field(page, t.highest)).toHaveValue('25');
  await page.locator('.filters').getByRole('link', { name: t.clear }).click();
  await expect(page).toHaveURL(LIST);
  await expect(numbers(page)).toHaveCount(25);
});

test('a list without results says why and leads out', { tag: '@language' }, async ({ page, language }) => {
  const t = words[language];
  await open(page, `${LIST}?q=NOSUCH${unique()}`);
  await expect(heading(page)).toHaveText(`${t.heading} 0`);
  await expect(page.getByRole('heading', { level: 2 })).toHaveText(t.noMatch);
  await expectGoodScreen(page);
  await page.locator('main .note').getByRole('link', { name: t.clear }).click();
  await expect(page).toHaveURL(LIST);
  await expect(numbers(page)).toHaveCount(25);
});

test('what is wrong with a filter stands at it, with what was typed', { tag: '@language' }, async ({ page, language, scripts }) => {
  const t = words[language];
  await open(page, LIST);
  await filter(page, t.lowest, '1.2.3', t.apply, scripts);
  await expect(page.locator('.filters')).toContainText(t.notAnAmount);
  await expect(field(page, t.lowest)).toHaveValue('1.2.3');
  await expect(field(page, t.lowest)).toHaveAttribute('aria-invalid', 'true');
  await expect(numbers(page)).toHaveCount(0);
  await expectGoodScreen(page);
});

test('the usual days are one click away', { tag: '@once' }, async ({ page, gateway }) => {
  const order = await gateway.order('OK');
  for (const usual of [0, 1, 2]) {
    await open(page, `${LIST}?q=${order.bizOrderNo}`);
    await page.locator('.usual a').nth(usual).click();
    await expect(page).toHaveURL(/from=\d{4}-\d{2}-\d{2}/);
    await expect(numbers(page)).toHaveText([order.orderNo]);
  }
});

test('the heads of the columns sort', { tag: '@once' }, async ({ page, gateway, language }) => {
  const t = words[language];
  const title = `盏 ${unique()}`;
  const made = [];
  for (const amount of [5, 50, 20]) made.push((await gateway.order('OK', { title, amount })).orderNo);
  const [five, fifty, twenty] = made as [string, string, string];
  await open(page, `${LIST}?title=${encodeURIComponent(title)}`);
  await expect(numbers(page)).toHaveText([twenty, fifty, five]);

  const amount = page.getByRole('columnheader', { name: t.amountHead });
  await amount.getByRole('link').click();
  await expect(numbers(page)).toHaveText([fifty, twenty, five]);
  await expect(amount).toHaveAttribute('aria-sort', 'descending');
  await amount.getByRole('link').click();
  await expect(numbers(page)).toHaveText([five, twenty, fifty]);
  await expect(amount).toHaveAttribute('aria-sort', 'ascending');

  const created = page.getByRole('columnheader', { name: t.createdHead });
  await created.getByRole('link').click();
  await expect(numbers(page)).toHaveText([twenty, fifty, five]);
  await created.getByRole('link').click();
  await expect(numbers(page)).toHaveText([five, fifty, twenty]);
  await expect(created).toHaveAttribute('aria-sort', 'ascending');
});

test('pages are turned by key, forwards and back', async ({ page, language }) => {
  const t = words[language];
  // Orders of other tests come last in this sort order.
  await open(page, `${LIST}?sort=time_asc`);
  const first = await numbers(page).allTextContents();
  expect(first).toHaveLength(25);
  await expect(page.getByRole('link', { name: t.previous })).toHaveCount(0);
  await page.getByRole('link', { name: t.next }).click();
  await expect(page).toHaveURL(/after=/);
  await expect(numbers(page).first()).not.toHaveText(first[0]!);
  const second = await numbers(page).allTextContents();
  expect(new Set([...first, ...second]).size).toBe(50);
  await expectGoodScreen(page);

  await page.getByRole('link', { name: t.previous }).click();
  await expect(numbers(page)).toHaveText(first);
  await page.goBack();
  await expect(numbers(page)).toHaveText(second);
  await page.getByRole('link', { name: t.first }).click();
  await expect(numbers(page)).toHaveText(first);
});

test('a row leads to its order, and back leads to the list as it was', async ({ page, gateway }) => {
  const order = await gateway.order('OK');
  await open(page, `${LIST}?q=${order.bizOrderNo}`);
  await page.locator('tbody tr').click();
  await expect(page).toHaveURL(`${LIST}/${order.orderNo}`);
  await expect(heading(page)).toContainText(order.orderNo);
  await page.goBack();
  await expect(numbers(page)).toHaveText([order.orderNo]);
});

test('the one search box leads to the order, or to the list of what begins so', async ({
  page,
  gateway,
  language,
}) => {
  const search = page.getByRole('searchbox', { name: words[language].search });
  const order = await gateway.order('OK');
  for (const number of [order.orderNo, order.bizOrderNo, order.outOrderNo]) {
    await open(page, LIST);
    await search.fill(number);
    await search.press('Enter');
    await expect(page).toHaveURL(`${LIST}/${order.orderNo}`);
  }
  await search.fill(order.bizOrderNo.slice(0, -1));
  await search.press('Enter');
  await expect(page).toHaveURL(/\/orders(\?|\/)/);
  await expect(page.locator('main')).toContainText(order.orderNo);
});

test('the list is worked by keyboard alone', { tag: '@scripts' }, async ({ page, gateway, language }) => {
  const title = `杯 ${unique()}`;
  await gateway.order('OK', { title });
  const newer = await gateway.order('OK', { title });
  await open(page, `${LIST}?title=${encodeURIComponent(title)}`);
  await page.keyboard.press('/');
  await expect(page.getByRole('searchbox', { name: words[language].search })).toBeFocused();
  await page.keyboard.press('Escape');
  await page.keyboard.press('j');
  await expect(numbers(page).first()).toBeFocused();
  await page.keyboard.press('j');
  await expect(numbers(page).nth(1)).toBeFocused();
  await page.keyboard.press('j');
  await expect(numbers(page).nth(1)).toBeFocused();
  await page.keyboard.press('k');
  await expect(numbers(page).first()).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(`${LIST}/${newer.orderNo}`);
});

test('a number is copied by its button', { tag: '@scripts' }, async ({ page, gateway, language, context }) => {
  const t = words[language];
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const order = await gateway.order('OK');
  await open(page, `${LIST}?q=${order.bizOrderNo}`);
  await page.getByRole('button', { name: t.copy }).click();
  await expect(page.locator('#said')).toHaveText(t.copied);
  await expect(page).toHaveURL(/[?]q=/);
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(order.orderNo);
});
