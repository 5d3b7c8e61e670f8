import { expect, login, open, test } from '../support/fixtures.ts';
import { expectGoodScreen } from '../support/screens.ts';

const words = {
  zh: {
    bar: /^恢复模式 数据库由 2026-05-01 10:20:30 的备份恢复/,
    link: '核对并结束',
    waits: /^恢复模式：12.50 元已占用，尚未提交沙箱。/,
    will: /提交等待中的 1 笔退款，共 12.50 元/,
    wrong: '应为以下之一：恢复提交, submit refunds',
    phrase: '恢复提交',
    over: '现在不在恢复模式：退款照常提交通道。',
  },
  en: {
    bar: /^Restored mode The database is that of a backup of 2026-05-01 10:20:30/,
    link: 'Compare and end it',
    waits: /^Restored mode: 12.50 yuan are held and not submitted to Sandbox yet./,
    will: /All refunds that wait \(1, 12.50 yuan\) are submitted/,
    wrong: /恢复提交, submit refunds/,
    phrase: 'submit refunds',
    over: 'Not in restored mode: refunds are submitted to their channels.',
  },
};

test('in restored mode every page says so, nothing is submitted, and an administrator ends it', { tag: '@language' }, async ({
  page,
  server,
  gateway,
  viewer,
  language,
}) => {
  test.slow(); // several pages in one test
  const t = words[language];
  const bar = page.locator('.restored-bar');
  const over = page.getByText(t.over);
  const order = await gateway.order('OK');
  server.restored('begin');
  try {
    await login(page);
    // The server reads the mark anew every two seconds.
    await expect(async () => {
      await open(page, '/apps/DEMO/orders');
      await expect(bar).toHaveText(t.bar, { timeout: 1_000 });
    }).toPass();
    const refund = await gateway.refund(order);
    expect(refund.status).toBe('progress');
    for (const path of ['refunds', 'audit', `orders/${order.orderNo}`, `refunds/${refund.refundNo}`]) {
      await open(page, `/apps/DEMO/${path}`);
      await expect(bar).toHaveText(t.bar);
    }
    await expect(page.locator('.meaning')).toHaveText(t.waits);
    expect(await gateway.book(refund)).toBeUndefined();

    await bar.getByRole('link', { name: t.link }).click();
    await expect(page).toHaveURL(/\/restored$/);
    await expect(page.locator('.happens')).toHaveText(t.will);
    await expectGoodScreen(page);
    const end = async (phrase: string) => {
      await page.locator('textarea[name=note]').fill('账单已核对');
      await page.locator('input[name=confirmation]').fill(phrase);
      await page.locator('button.primary:not([aria-disabled])').click();
    };
    await end('yes');
    await expect(page.locator('.problem')).toHaveText(t.wrong);
    await expect(bar).toBeVisible();

    await login(page, viewer);
    await open(page, '/restored');
    await expect(bar).toHaveText(t.bar);
    await expect(bar.getByRole('link')).toHaveCount(0);
    await expect(page.locator('textarea')).toHaveCount(0);

    await login(page);
    await open(page, '/restored');
    await end(t.phrase);
    await expect(over).toBeVisible();
    await expect(bar).toHaveCount(0);
    await expect.poll(async () => (await gateway.book(refund))?.moved).toBe(1);
  } finally {
    await open(page, '/restored');
    if (!(await over.isVisible())) server.restored('end');
  }
});
