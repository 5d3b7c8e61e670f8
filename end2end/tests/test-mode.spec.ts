import { expect, login, open, test } from '../support/fixtures.ts';
import { expectGoodScreen } from '../support/screens.ts';

const words = {
  zh: {
    bar: '测试模式 沙箱代替支付通道，没有资金变动',
    channel: /微信支付\s*测试模式/,
    confirm: '测试模式：沙箱代替支付通道，付款人不会收到款项。',
  },
  en: {
    bar: 'Test mode The sandbox stands in for the channels; no money moves',
    channel: /WeChat Pay\s*Test mode/,
    confirm: 'Test mode: the sandbox stands in for the channel; the payer receives nothing.',
  },
};

test.beforeEach(async ({ page }) => login(page));

test('every page of an app in test mode says so', { tag: '@language' }, async ({ page, gateway, language }) => {
  const refund = await gateway.refund('OK');
  const bar = page.locator('.test-bar');
  const pages = ['orders', 'refunds', 'review', 'notices', 'callbacks', 'syncs', 'audit'];
  for (const name of [...pages, `orders/${refund.order.orderNo}`, `refunds/${refund.refundNo}`]) {
    await open(page, `/apps/DEMO/${name}`);
    await expect(bar).toHaveText(words[language].bar);
  }
});

test('a channel in test mode has its real name and a mark, and a refund by it says that no money moves', { tag: '@language' }, async ({
  page,
  gateway,
  language,
}) => {
  const t = words[language];
  const order = await gateway.order('OK', { channel: 'wechat_pay' });
  await open(page, `/apps/DEMO/orders/${order.orderNo}`);
  await expect(page.locator('.facts').first()).toContainText(t.channel);
  await page.locator('#amount').fill('12.50');
  await page.locator('form.fields button.primary').click();
  await expect(page.getByText(t.confirm)).toBeVisible();
  await expectGoodScreen(page);
  await page.locator('dialog[open] button.primary, .narrow button.primary').first().click();
  await expect(page).toHaveURL(/\/apps\/DEMO\/refunds\/\w+$/);
  await expect(page.locator('.facts').first()).toContainText(t.channel);
});
