import { unique } from '../support/gateway.ts';
import { expect, expectAccessible, login, open, test } from '../support/fixtures.ts';
import { expectGoodScreen } from '../support/screens.ts';

test('the interface is described to anybody', async ({ page, scripts }) => {
  await page.goto('/docs');
  await expect(page.getByRole('heading', { level: 1 })).toContainText('API');
  for (const path of ['/unipay/refund', '/unipay/sync/order/refund', '/unipay/order/record']) {
    await expect(page.getByRole('heading', { level: 2, name: path })).toBeVisible();
    await expect(page.locator(`nav a[href="#${path}"]`)).toBeVisible();
  }
  // Forms that need scripts are hidden without them.
  await expect(page.locator('form').first()).toBeVisible({ visible: scripts });
  await expectGoodScreen(page);
});

test('a request is signed and sent from the page, and the answer checked', { tag: '@scripts' }, async ({ page, gateway }) => {
  const order = await gateway.order('OK');
  await page.goto('/docs');
  const form = page.locator('form[data-path="/unipay/refund"]');
  const output = form.locator('output');
  const body = form.locator('textarea');
  const send = form.getByRole('button');
  const bizRefundNo = `D${unique()}`;

  await expect(body).toHaveValue(/"appId": "DEMO"/);
  await body.fill(JSON.stringify({ appId: 'DEMO', orderNo: order.orderNo, bizRefundNo, amount: 12.5 }));
  await send.click();
  await expect(output.locator('.good')).toContainText('signature holds');
  const answer = JSON.parse(await output.locator('pre').last().innerText()) as {
    code: number;
    data: { refundNo: string; status: string };
  };
  expect(answer).toMatchObject({ code: 0, data: { status: 'success' } });
  const refund = { ...answer.data, bizRefundNo, amount: 12.5, order };
  expect(await gateway.book(refund)).toMatchObject({ amount: 1250, moved: 1 });
  // The secret is neither shown nor sent.
  await expect(output).not.toContainText('123456');
  await expectAccessible(page);

  // The other edition counts in fen and seconds.
  await form.locator('select').selectOption('single');
  await expect(body).not.toHaveValue(/appId/);
  await body.fill(JSON.stringify({ orderNo: order.orderNo, bizRefundNo: `D${unique()}`, amount: 100 }));
  await send.click();
  await expect(output.locator('pre').last()).toContainText('"code":0');
  await expect(output.locator('.good')).toContainText('signature holds');

  await form.locator('input[name=secret]').fill('wrong');
  await send.click();
  await expect(output.locator('pre').last()).not.toContainText('"code":0');

  await body.fill('{');
  await send.click();
  await expect(output.locator('.bad')).toContainText('SyntaxError');
});

test('the keys are listed, on a page and at hand', async ({ page, language, scripts }) => {
  const title = { zh: '键盘快捷键', en: 'Keyboard' }[language];
  await login(page);
  await open(page, '/help');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(title);
  const keys = page.locator('main .keys');
  for (const key of ['/', 'j', 'k', 'Enter', 'c', 'r', 's', '?', 'Esc']) {
    await expect(keys.locator('kbd').getByText(key, { exact: true })).toBeVisible();
  }
  await expectGoodScreen(page);

  await open(page, '/apps/DEMO/orders');
  await page.locator('summary').filter({ hasText: 'admin' }).click();
  await page.getByRole('link', { name: title }).click();
  if (!scripts) return expect(page).toHaveURL('/help');
  const dialog = page.getByRole('dialog', { name: title });
  await expect(dialog).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await page.locator('body').press('?');
  await expect(dialog).toBeVisible();
  await expect(page).toHaveURL('/apps/DEMO/orders');
  await expectGoodScreen(page);
});
