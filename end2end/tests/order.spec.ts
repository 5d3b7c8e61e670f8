import type { Order } from '../support/gateway.ts';
import { expect, login, open, test } from '../support/fixtures.ts';
import { hold, posts } from '../support/keys.ts';
import { expectGoodScreen } from '../support/screens.ts';

const words = {
  zh: {
    sync: '同步',
    synced: '已同步。通道：成功，状态不变。',
    channel: '沙箱',
    method: '扫码支付',
    paid: '已支付',
    partial: '部分退款',
    refunding: '退款中',
    recorded: '登记订单',
    syncEvent: '同步',
    noRefunds: '这笔订单还没有退款。',
    noOrder: '请检查单号是否完整，以及是否属于当前应用。',
    onlyLooking: '您的角色只能查看，不能退款。',
    copied: '已复制',
  },
  en: {
    sync: 'Sync',
    synced: 'Synced. Channel: succeeded; the status is unchanged.',
    channel: 'Sandbox',
    method: 'QR code',
    paid: 'Paid',
    partial: 'Partial',
    refunding: 'In progress',
    recorded: 'Order recorded',
    syncEvent: 'Synced',
    noRefunds: 'This order has no refunds yet.',
    noOrder: 'Check that the number is complete, and that it belongs to this app.',
    onlyLooking: 'Your role may look, but not refund.',
    copied: 'Copied',
  },
};

const path = (order: Order) => `/apps/DEMO/orders/${order.orderNo}`;

test.beforeEach(async ({ page }) => login(page));

test('an order shows its facts', async ({ page, gateway, language }) => {
  const t = words[language];
  const order = await gateway.order('OK', { title: '茶 <i>& 壶</i>' });
  await open(page, path(order));
  await expect(page.getByRole('heading', { level: 1 })).toContainText(order.orderNo);
  await expect(page).toHaveTitle(new RegExp(order.orderNo));
  const facts = page.locator('.facts').first();
  for (const fact of [order.bizOrderNo, order.outOrderNo, order.title, t.channel, t.method]) {
    await expect(facts).toContainText(fact);
  }
  await expect(page.locator('.head .badge').first()).toHaveText(t.paid);
  await expect(page.locator('.balance dd')).toHaveText(['99.60', /^− 0\.00$/, /^− 0\.00$/, /^99\.60/]);
  await expect(page.getByText(t.noRefunds)).toBeVisible();
  await expect(page.locator('.timeline li')).toHaveCount(1);
  await expect(page.locator('.timeline')).toContainText(t.recorded);
  await expectGoodScreen(page);
});

test('an order shows its refunds and what they leave', async ({ page, gateway, language }) => {
  const t = words[language];
  const first = await gateway.refund('OK', { amount: 12.5, reason: '尺码不对' });
  const second = await gateway.refund(first.order, { amount: 7 });
  await open(page, path(first.order));
  const rows = page.locator('tbody tr');
  await expect(rows.locator('a[data-row]')).toHaveText([second.refundNo, first.refundNo]);
  await expect(rows.nth(1)).toContainText('尺码不对');
  await expect(rows.nth(1)).toContainText('12.50');
  await expect(page.locator('.head .badge').nth(1)).toHaveText(t.partial);
  await expect(page.locator('.balance dd')).toHaveText(['99.60', '− 19.50', '− 0.00', /^80\.10/]);
  await expectGoodScreen(page);
  await rows.nth(1).locator('a[data-row]').click();
  await expect(page).toHaveURL(`/apps/DEMO/refunds/${first.refundNo}`);
});

test('what is being refunded is held', async ({ page, gateway, language }) => {
  const { order } = await gateway.refund('LOST');
  await open(page, path(order));
  await expect(page.locator('.head .badge').nth(1)).toHaveText(words[language].refunding);
  await expect(page.locator('.balance dd')).toHaveText(['99.60', '− 0.00', '− 12.50', /^87\.10/]);
});

test('a sync of the payment tells what the channel said', { tag: '@language' }, async ({ page, gateway, language, scripts }) => {
  const t = words[language];
  const order = await gateway.order('OK');
  await open(page, path(order));
  if (scripts) await page.keyboard.press('s');
  else await page.getByRole('button', { name: t.sync }).click();
  await expect(page.locator('.done')).toHaveText(t.synced);
  const events = page.locator('.timeline li');
  await expect(events).toHaveCount(2);
  await expect(events.first()).toContainText(t.syncEvent);
  await events.first().locator('summary').click();
  await expect(events.first().locator('pre')).toBeVisible();
  await expectGoodScreen(page);

  // A reload shows the same outcome and repeats nothing.
  await page.reload();
  await expect(page.locator('.done')).toHaveText(t.synced);
  await expect(events).toHaveCount(2);
});

test('a held key asks the channel once', { tag: '@scripts' }, async ({ page, gateway, language }) => {
  const t = words[language];
  const order = await gateway.order('OK');
  await open(page, path(order));
  const sent = posts(page);
  await hold(page, 's');
  await page.keyboard.up('s');
  await expect(page.locator('.done')).toHaveText(t.synced);
  expect(sent).toHaveLength(1);
  await page.reload();
  await expect(page.locator('.timeline li')).toHaveCount(2);
});

test('an order that is not there is said not to be', async ({ page, language }) => {
  await open(page, '/apps/DEMO/orders/P0');
  await expect(page.locator('main')).toContainText(words[language].noOrder);
  await expectGoodScreen(page);
});

test('who may only look neither syncs nor refunds', { tag: '@language' }, async ({ page, context, gateway, viewer, language }) => {
  const t = words[language];
  const order = await gateway.order('OK');
  await context.clearCookies();
  await login(page, viewer);
  await open(page, path(order));
  await expect(page.getByText(t.onlyLooking)).toBeVisible();
  await expect(page.getByRole('button', { name: t.sync })).toHaveCount(0);
});
