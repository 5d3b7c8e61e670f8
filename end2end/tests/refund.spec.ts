import type { Locator, Page } from '@playwright/test';
import type { Refund } from '../support/gateway.ts';
import { expect, expectAccessible, login, open, test } from '../support/fixtures.ts';
import { hold, posts, pressInEveryFrame, pressThrice } from '../support/keys.ts';

const path = (refund: Refund) => `/apps/DEMO/refunds/${refund.refundNo}`;

const words = {
  zh: {
    progress: '退款中',
    success: '退款成功',
    fail: '退款失败',
    closed: '已关闭',
    sync: '同步',
    retry: '重试',
    close: '关闭',
    cancel: '取消',
    retryTitle: '重试退款',
    retryButton: '重试退款 12.50',
    closeTitle: '关闭退款',
    closeButton: '关闭退款',
    back: '返回退款',
    isNow: '退款状态已变为：退款成功',
    adjusted: '已同步。通道：成功，状态由“退款中”改为“退款成功”。',
    unchanged: '已同步。通道：成功，状态不变。',
    resubmitted: '通道没有收到过这笔退款，已用原单号重新提交。',
    retried: '已重新提交。通道：失败。',
    isClosed: '退款已关闭。',
    left: '之后订单还可退 87.10 元',
    exceeds: '超过可退金额，剩余可退 5.00 元',
    tooLittle: '订单只剩 5.00 元可退',
    wrongState: '这笔退款现在是“已关闭”',
    traceId: '跟踪号',
    onlyLook: '您的角色只能查看',
    needsPerson: '待人工处理',
    absent: '通道查无此退款',
    whatToDo: '请到通道的商户平台核对',
    none: '退款单不存在',
    copy: '复制商户退款单号',
    copied: '已复制',
    orderPage: '订单',
    contradicted: '通道前后说法不一致',
    book: '登记退回',
    bookTitle: '登记实际结果',
    bookButton: '登记退回 12.50',
    basis: '依据',
    booked: '已登记。',
    leftAfter: '之后订单可退 99.60 元',
    movements: '资金变动',
    returned: '退回',
    paidTooMuch: '实际退出超过已付金额',
    bookOverpaid: '登记多退',
    bookOverpaidButton: '登记多退 12.50',
    whatIsBooked: '4.60 元记入订单',
    nothingLeft: '之后订单还可退 0.00 元',
    overpaid: '多退',
  },
  en: {
    progress: 'In progress',
    success: 'Succeeded',
    fail: 'Failed',
    closed: 'Closed',
    sync: 'Sync',
    retry: 'Retry',
    close: 'Close',
    cancel: 'Cancel',
    retryTitle: 'Retry the refund',
    retryButton: 'Retry refund of 12.50',
    closeTitle: 'Close the refund',
    closeButton: 'Close refund',
    back: 'Back to the refund',
    isNow: "The refund's status is now: Succeeded",
    adjusted: 'Synced. Channel: succeeded; the status was changed from “In progress” to “Succeeded”.',
    unchanged: 'Synced. Channel: succeeded; the status is unchanged.',
    resubmitted: 'The channel had never seen this refund: it was submitted again under its own number.',
    retried: 'Submitted again. Channel: failed.',
    isClosed: 'The refund is closed.',
    left: '87.10 stays refundable',
    exceeds: 'Exceeds what is refundable: 5.00 yuan left',
    tooLittle: 'Only 5.00 yuan of the order are left',
    wrongState: 'This refund is “Closed” by now',
    traceId: 'Trace id',
    onlyLook: 'Your role may look',
    needsPerson: 'Needs a person',
    absent: 'Unknown to the channel',
    whatToDo: "Check it in the channel's own console",
    none: 'No such refund',
    copy: 'Copy merchant refund number',
    copied: 'Copied',
    orderPage: 'Order',
    contradicted: 'The channel contradicts itself',
    book: 'Book as returned',
    bookTitle: 'Book what happened',
    bookButton: 'Book 12.50 as returned',
    basis: 'Evidence',
    booked: 'Booked.',
    leftAfter: '99.60 will be refundable',
    movements: 'Money movements',
    returned: 'Returned',
    paidTooMuch: 'More paid out than paid in',
    bookOverpaid: 'Book as overpaid',
    bookOverpaidButton: 'Book 12.50 as paid out',
    whatIsBooked: '4.60 count as refunded',
    nothingLeft: '0.00 stays refundable',
    overpaid: 'Overpaid',
  },
};

const state = (page: Page) => page.locator('.head .badge');
const done = (page: Page) => page.locator('.done');
const events = (page: Page) => page.locator('.timeline li');
const button = (page: Page, name: string) => page.locator('.head').getByRole('button', { name });
const link = (page: Page, name: string) => page.locator('.head').getByRole('link', { name, exact: true });

/** Goes to the confirmation of a retry or a close: a dialog, or a page of its own without scripts. */
async function consider(page: Page, name: string, title: string, scripts: boolean) {
  await link(page, name).click();
  if (scripts) return page.getByRole('dialog', { name: title });
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(title);
  return page.locator('main');
}

/** Expects that a confirmation names the refund and its order, and says what stays refundable. */
async function expectToConfirm(step: Locator, refund: Refund, left: string) {
  for (const text of [refund.refundNo, refund.order.orderNo, left]) await expect(step).toContainText(text);
}

/** Reads the fields that a confirmation's form sends. */
async function fieldsOf(step: Locator) {
  return step.locator('form[method=post]').evaluate((form) => {
    return Object.fromEntries(new FormData(form as HTMLFormElement)) as Record<string, string>;
  });
}

test.beforeEach(async ({ page }) => login(page));

test('a refund in progress is settled on the open page, by itself', async ({ page, gateway, language, scripts }) => {
  const t = words[language];
  const refund = await gateway.refund('ASYNC');
  await open(page, path(refund));
  await expect(state(page)).toHaveText(t.progress);
  await expect(state(page)).toHaveText(t.success, { timeout: 15_000 });
  if (scripts) await expect(page.getByText(t.isNow)).toHaveAttribute('role', 'status');
  await expect(events(page)).toHaveCount(3);
  expect((await gateway.book(refund))?.moved).toBe(1);
  await expectAccessible(page);
});

test('what a person is at stays when the page keeps up', { tag: '@scripts' }, async ({ page, gateway, language }) => {
  const t = words[language];
  const refund = await gateway.refund('TIMEOUT');
  await open(page, path(refund));
  await expectAccessible(page);
  await events(page).first().locator('summary').click();
  const unfolded = await events(page).first().locator('pre').textContent();

  // The merchant's system asks the channel meanwhile.
  await gateway.sync(refund);
  await expect(state(page)).toHaveText(t.success);
  await expect(events(page)).toHaveCount(3);
  await expect(events(page).nth(1).locator('pre')).toHaveText(unfolded!);
  await expect(events(page).nth(1).locator('pre')).toBeVisible();
  await expect(events(page).nth(0).locator('pre')).toBeHidden();
  await expect(events(page).nth(1).locator('summary')).toBeFocused();
});

test('a sync tells what the channel said, and that our state was adjusted', { tag: '@language' }, async ({
  page,
  gateway,
  language,
  scripts,
}) => {
  const t = words[language];
  const refund = await gateway.refund('TIMEOUT');
  expect(refund.status).toBe('progress');
  await open(page, path(refund));
  await expect(state(page)).toHaveText(t.progress);
  if (scripts) await page.keyboard.press('s');
  else await button(page, t.sync).click();
  await expect(done(page)).toHaveText(t.adjusted);
  await expect(state(page)).toHaveText(t.success);
  if (scripts) await expect(done(page)).toBeFocused();

  // The newest event is marked, and shows the channel's raw message.
  const newest = events(page).first();
  await expect(newest).toHaveAttribute('data-new');
  await expect(newest.locator('pre')).toHaveText(
    `{"refundNo":"${refund.refundNo}","amount":1250,"status":"success","moved":1}`,
  );
  await expect(events(page).nth(1)).not.toHaveAttribute('data-new');
  await expectAccessible(page);

  await button(page, t.sync).click();
  await expect(done(page)).toHaveText(t.unchanged);
  await expect(events(page)).toHaveCount(4);
  // A reload shows the same outcome and repeats nothing.
  await page.reload();
  await expect(done(page)).toHaveText(t.unchanged);
  await expect(events(page)).toHaveCount(4);
  expect((await gateway.book(refund))?.moved).toBe(1);
});

test('a held key syncs once, and so do quick presses', { tag: '@scripts' }, async ({ page, gateway, language }) => {
  const t = words[language];
  const refund = await gateway.refund('OK');
  await open(page, path(refund));
  const sent = posts(page);
  await hold(page, 's');
  await page.keyboard.up('s');
  await expect(done(page)).toHaveText(t.unchanged);
  expect(sent).toHaveLength(1);

  await expect(button(page, t.sync)).toBeEnabled();
  await button(page, t.sync).focus();
  await hold(page, 'Enter');
  await page.keyboard.up('Enter');
  await expect(events(page)).toHaveCount(4);
  expect(sent).toHaveLength(2);

  await expect(button(page, t.sync)).toBeEnabled();
  const sync = '.head .act button';
  expect(await pressInEveryFrame(page, sync, sync)).toBeGreaterThan(350);
  await expect(events(page)).toHaveCount(5);
  expect(sent).toHaveLength(3);
});

test('a refund that the channel never saw is submitted again by a sync', { tag: '@language' }, async ({ page, gateway, language }) => {
  const t = words[language];
  const refund = await gateway.refund('LOST');
  await open(page, path(refund));
  await button(page, t.sync).click();
  await expect(done(page)).toContainText(t.resubmitted);
  await expect(state(page)).toHaveText(t.success);
  expect((await gateway.book(refund))?.moved).toBe(1);
});

test('a failed refund is retried once a press, after saying what will happen', { tag: '@language' }, async ({
  page,
  gateway,
  language,
  scripts,
  baseURL,
}) => {
  test.slow();
  const t = words[language];
  const refund = await gateway.refund('FAIL');
  await open(page, path(refund));
  await expect(state(page)).toHaveText(t.fail);
  await expect(page.locator('.meaning')).toContainText('SBX_FAIL');
  await expectAccessible(page);

  let step = await consider(page, t.retry, t.retryTitle, scripts);
  await expectToConfirm(step, refund, t.left);
  await expect(step.getByRole('heading', { name: t.retryTitle })).toBeFocused();
  await expectAccessible(page);
  if (scripts) {
    await page.keyboard.press('Escape');
    await expect(step).toBeHidden();
    await expect(link(page, t.retry)).toBeFocused();
  } else {
    await page.getByRole('link', { name: t.back }).click();
  }
  await expect(events(page)).toHaveCount(2);

  step = await consider(page, t.retry, t.retryTitle, scripts);
  const form = await fieldsOf(step);
  await step.getByRole('button', { name: t.retryButton }).click();
  await expect(done(page)).toHaveText(t.retried);
  await expect(page.getByRole('dialog')).toBeHidden();
  await expect(events(page)).toHaveCount(4);

  // The same request again submits nothing.
  const again = await page.request.post('/api/refund/retry', { form, headers: { origin: baseURL! } });
  expect(again.ok()).toBe(true);
  await open(page, path(refund));
  await expect(events(page)).toHaveCount(4);
  await expect(state(page)).toHaveText(t.fail);
  expect((await gateway.book(refund))?.moved).toBe(0);
});

test('Enter, held or pressed quickly, opens what asks for confirmation and confirms nothing', { tag: '@scripts' }, async ({
  page,
  gateway,
  language,
}) => {
  const t = words[language];
  const refund = await gateway.refund('FAIL');
  await open(page, path(refund));
  const sent = posts(page);
  const acts = [
    [t.retry, t.retryTitle],
    [t.close, t.closeTitle],
  ] as const;
  for (const press of [hold, pressThrice]) {
    for (const [name, title] of acts) {
      await link(page, name).focus();
      await press(page, 'Enter');
      await page.keyboard.up('Enter');
      const dialog = page.getByRole('dialog', { name: title });
      await expect(dialog.getByRole('heading', { name: title })).toBeFocused();
      await expect(dialog.locator('button.primary')).toBeEnabled();
      await page.keyboard.press('Escape');
      await expect(dialog).toBeHidden();
    }
  }
  expect(sent).toEqual([]);
  await open(page, path(refund));
  await expect(state(page)).toHaveText(t.fail);
  await expect(events(page)).toHaveCount(2);
});

test('a failed refund is closed for good, and then nothing is left to press but sync', { tag: '@language' }, async ({
  page,
  gateway,
  language,
  scripts,
}) => {
  const t = words[language];
  const refund = await gateway.refund('FAIL');
  await open(page, path(refund));
  const step = await consider(page, t.close, t.closeTitle, scripts);
  await expect(step).toContainText(refund.refundNo);
  await expectAccessible(page);
  await step.getByRole('button', { name: t.closeButton }).click();
  await expect(done(page)).toHaveText(t.isClosed);
  await expect(state(page)).toHaveText(t.closed);
  await expect(link(page, t.retry)).toHaveCount(0);
  await expect(link(page, t.close)).toHaveCount(0);
  await expect(button(page, t.sync)).toBeVisible();

  await open(page, `${path(refund)}/retry`);
  await expect(page.locator('main').getByRole('button')).toHaveCount(0);
  await expect(page.getByRole('link', { name: t.back })).toBeVisible();
});

test('what is refused is said where it was asked for, with a trace id', { tag: '@language' }, async ({
  page,
  gateway,
  language,
  scripts,
  context,
}) => {
  const t = words[language];
  const refund = await gateway.refund('FAIL');
  await open(page, path(refund));
  const step = await consider(page, t.retry, t.retryTitle, scripts);

  // Meanwhile in another page:
  const elsewhere = await context.newPage();
  await open(elsewhere, path(refund));
  const other = await consider(elsewhere, t.close, t.closeTitle, scripts);
  await other.getByRole('button', { name: t.closeButton }).click();
  await expect(state(elsewhere)).toHaveText(t.closed);
  await elsewhere.close();

  await step.getByRole('button', { name: t.retryButton }).click();
  // The dialog is gone with its action; the error stays on the page.
  const refused = page.locator('main').getByRole('alert');
  await expect(refused).toContainText(t.wrongState);
  await expect(refused).toContainText(t.traceId);
  await expectAccessible(page);
});

test('a retry that the order has too little left for is refused, and then no longer offered', { tag: '@language' }, async ({
  page,
  gateway,
  language,
  scripts,
}) => {
  const t = words[language];
  const order = await gateway.order('LATEFAIL', { amount: 20 });
  const failed = await gateway.refund(order);
  // The channel may refuse between a sync and a look at its ledger: the last sync comes after the refusal.
  await expect(async () => {
    const refused = (await gateway.book(failed))?.status === 'fail';
    await gateway.sync(failed);
    expect(refused).toBe(true);
  }).toPass();
  await open(page, path(failed));
  await expect(state(page)).toHaveText(t.fail);
  const step = await consider(page, t.retry, t.retryTitle, scripts);

  // Meanwhile the merchant asks for another refund of the same order.
  await gateway.refund(order, { amount: 15 });
  await step.getByRole('button', { name: t.retryButton }).click();
  await expect(page.locator('main').getByRole('alert')).toContainText(t.exceeds);
  await open(page, path(failed));
  await expect(page.locator('.head')).toContainText(t.tooLittle);
  await expect(link(page, t.retry)).toHaveCount(0);
  await expect(link(page, t.close)).toBeVisible();
  await expectAccessible(page);
});

test('who may only look sees no buttons, and gets nothing done without them', async ({
  page,
  gateway,
  viewer,
  language,
  baseURL,
}) => {
  const t = words[language];
  const refund = await gateway.refund('FAIL');
  await page.context().clearCookies();
  await login(page, viewer);
  await open(page, path(refund));
  await expect(state(page)).toHaveText(t.fail);
  await expect(page.locator('.head').getByRole('button', { name: t.sync })).toHaveCount(0);
  await expect(link(page, t.retry)).toHaveCount(0);
  await expect(link(page, t.close)).toHaveCount(0);
  await expectAccessible(page);

  await open(page, `${path(refund)}/retry`);
  await expect(page.locator('main')).toContainText(t.onlyLook);
  const form = { app_id: 'DEMO', refund_no: refund.refundNo, since: '2', attempt: '1' };
  for (const act of ['sync', 'retry', 'close']) {
    const refused = await page.request.post(`/api/refund/${act}`, {
      form,
      headers: { origin: baseURL!, accept: 'application/json' },
    });
    expect(refused.status(), act).toBe(403);
    const read = await page.request.get(`/api/refund/${act}?${new URLSearchParams(form)}`);
    expect(read.ok(), act).toBe(false);
  }
  await open(page, path(refund));
  await expect(events(page)).toHaveCount(2);
});

test('a refund that needs a person says what that means and what to do', { tag: '@language' }, async ({ page, gateway, language }) => {
  const t = words[language];
  const refund = await gateway.refund('ABSENT');
  await open(page, path(refund));
  await button(page, t.sync).click();
  const review = page.locator('.review');
  await expect(review.getByRole('heading')).toContainText(t.needsPerson);
  await expect(review.getByRole('heading')).toContainText(t.absent);
  await expect(review).toContainText(t.whatToDo);
  await expect(state(page)).toHaveText(t.progress);
  await expectAccessible(page);
});

test('the facts lead to the order and are copied by one click', async ({ page, gateway, language, scripts, context }) => {
  const t = words[language];
  const refund = await gateway.refund('OK', { reason: '客户要求退款 <b>&amp;' });
  await open(page, path(refund));
  await expect(page.locator('.facts')).toContainText('客户要求退款 <b>&amp;');
  await expect(page.locator('.facts')).toContainText(`SBXR-${refund.refundNo}`);
  if (scripts) {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: t.copy }).click();
    await expect(page.locator('#said')).toHaveText(t.copied);
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(refund.bizRefundNo);
  }
  await page.locator('.facts').getByRole('link', { name: refund.order.orderNo }).click();
  await expect(page).toHaveURL(`/apps/DEMO/orders/${refund.order.orderNo}`);
  await expect(page.getByRole('heading', { level: 1 })).toContainText(t.orderPage);
});

test('a number that no refund has is answered in words', { tag: '@language' }, async ({ page, language }) => {
  const response = await page.goto('/apps/DEMO/refunds/NONE');
  expect(response?.status()).toBe(404);
  await expect(page.getByRole('heading', { name: words[language].none })).toBeVisible();
  await expectAccessible(page);
});

test('the page fits a telephone, and the dark', { tag: '@once' }, async ({ page, gateway, language, scripts }) => {
  const t = words[language];
  await page.setViewportSize({ width: 375, height: 740 });
  await page.emulateMedia({ colorScheme: 'dark' });
  const refund = await gateway.refund('FAIL');
  await open(page, path(refund));
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(375);
  await expectAccessible(page);
  const step = await consider(page, t.retry, t.retryTitle, scripts);
  await expect(step.getByRole('button', { name: t.retryButton })).toBeInViewport();
  await expectAccessible(page);
});

test('what the channel took back is booked once, after saying what will happen, and shown with the order', async ({
  page,
  gateway,
  language,
  scripts,
  baseURL,
}) => {
  test.slow();
  const t = words[language];
  const refund = await gateway.refund('REVERSED');
  expect(refund.status).toBe('success');
  // The channel takes it back after its delay. A sync from then on hears of it.
  await expect.poll(async () => (await gateway.book(refund))?.status, { timeout: 15_000 }).toBe('fail');
  await gateway.sync(refund);
  await open(page, path(refund));
  await expect(state(page)).toHaveText(t.success);
  await expect(page.locator('.review')).toContainText(t.contradicted);
  await expectAccessible(page);
  const before = await events(page).count();

  const step = await consider(page, t.book, t.bookTitle, scripts);
  await expectToConfirm(step, refund, t.leftAfter);
  await expect(step.getByRole('heading', { name: t.bookTitle })).toBeFocused();
  await expectAccessible(page);
  // Without evidence nothing is sent.
  const basis = step.getByLabel(t.basis);
  await expect(basis).toHaveAttribute('required');
  await basis.fill('<b>通道账单 7</b>');
  const form = await fieldsOf(step);
  await step.getByRole('button', { name: t.bookButton }).click();
  await expect(done(page)).toHaveText(t.booked);
  await expect(page.getByRole('dialog')).toBeHidden();
  await expect(state(page)).toHaveText(t.closed);
  await expect(events(page)).toHaveCount(before + 1);
  await expect(events(page).first()).toContainText('<b>通道账单 7</b>');
  await expect(link(page, t.book)).toHaveCount(0);
  await expect(link(page, t.retry)).toHaveCount(0);

  // The same request again books nothing.
  const again = await page.request.post('/api/refund/book', { form, headers: { origin: baseURL! } });
  expect(again.ok()).toBe(true);
  await open(page, path(refund));
  await expect(events(page)).toHaveCount(before + 1);

  await open(page, `${path(refund)}/book`);
  await expect(page.locator('main').getByRole('button')).toHaveCount(0);

  await open(page, `/apps/DEMO/orders/${refund.order.orderNo}`);
  const rows = page.getByRole('table', { name: t.movements }).locator('tbody tr');
  await expect(rows).toHaveCount(3);
  await expect(rows.first()).toContainText(t.returned);
  await expect(rows.first()).toContainText('− 12.50');
  await expect(rows.first()).toContainText(refund.refundNo);
  await expect(page.locator('.balance .sum')).toContainText('99.60');
  await expect(page.locator('.balance > div')).toHaveCount(4);
  await expectAccessible(page);
});

test('what the channel paid too much is booked apart from the order, and shown with it', async ({
  page,
  gateway,
  language,
  scripts,
}) => {
  const t = words[language];
  // Both fail, and then the channel says that it has paid out both: 25.00 of 17.10.
  const order = await gateway.order('FAIL', { amount: 17.1 });
  const [first, second] = [await gateway.refund(order), await gateway.refund(order)];
  await gateway.callBackSuccess(second);
  await gateway.callBackSuccess(first);
  await open(page, path(first));
  await expect(state(page)).toHaveText(t.fail);
  await expect(page.locator('.review')).toContainText(t.paidTooMuch);

  const step = await consider(page, t.bookOverpaid, t.bookTitle, scripts);
  await expectToConfirm(step, first, t.nothingLeft);
  await expect(step).toContainText(t.whatIsBooked);
  await expectAccessible(page);
  await step.getByLabel(t.basis).fill('通道账单 8');
  await step.getByRole('button', { name: t.bookOverpaidButton }).click();
  await expect(done(page)).toHaveText(t.booked);
  await expect(state(page)).toHaveText(t.success);
  await expect(link(page, t.bookOverpaid)).toHaveCount(0);

  await open(page, `/apps/DEMO/orders/${order.orderNo}`);
  const newest = page.getByRole('table', { name: t.movements }).locator('tbody tr').first();
  await expect(newest).toContainText(t.overpaid);
  await expect(newest).toContainText(first.refundNo);
  const line = page.locator('.balance > div').filter({ hasText: t.overpaid });
  await expect(line).toContainText('7.90');
  await expect(page.locator('.balance .sum')).toContainText('0.00');
  await expectAccessible(page);
});
