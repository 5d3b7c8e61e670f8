import type { Locator, Page } from '@playwright/test';
import type { Gateway, Order } from '../support/gateway.ts';
import { unique } from '../support/gateway.ts';
import { expect, login, open, test } from '../support/fixtures.ts';
import { hold, posts, pressInEveryFrame, pressThrice } from '../support/keys.ts';
import { expectGoodScreen } from '../support/screens.ts';

const words = {
  zh: {
    amount: '退款金额（元）',
    reason: '退款原因',
    number: '商户退款单号',
    review: '核对并退款',
    confirm: '确认退款',
    change: '返回修改',
    button: (amount: string) => `退款 ${amount}`,
    whole: (order: Order) => `从订单 ${order.orderNo} 通过沙箱支付的 99.60 元中，退还 99.60 元给付款人。退款后还可退 0.00 元。`,
    second: (order: Order) =>
      `从订单 ${order.orderNo} 通过沙箱支付的 99.60 元中，退还 20.00 元给付款人。此前已退 12.50 元。退款后还可退 67.10 元。`,
    held: (order: Order) =>
      `从订单 ${order.orderNo} 通过沙箱支付的 99.60 元中，退还 87.10 元给付款人。另有 12.50 元正在退款中。退款后还可退 0.00 元。`,
    exceeds: '超过可退金额，剩余可退 99.60 元',
    changed: '页面打开后可退金额已变为 39.60 元，请核对后重新提交',
    notAnAmount: '不是有效的金额',
    tooFine: '最多两位小数',
    nothingLeft: '没有可退的金额。',
    onlyLooking: '您的角色只能查看，不能退款。',
    success: '退款成功',
  },
  en: {
    amount: 'Amount (yuan)',
    reason: 'Reason',
    number: 'Merchant refund number',
    review: 'Review refund',
    confirm: 'Confirm the refund',
    change: 'Change',
    button: (amount: string) => `Refund ${amount}`,
    whole: (order: Order) =>
      `Refund 99.60 of the 99.60 yuan paid by Sandbox for order ${order.orderNo} to the payer. 0.00 stays refundable.`,
    second: (order: Order) =>
      `Refund 20.00 of the 99.60 yuan paid by Sandbox for order ${order.orderNo} to the payer. 12.50 was refunded before. 67.10 stays refundable.`,
    held: (order: Order) =>
      `Refund 87.10 of the 99.60 yuan paid by Sandbox for order ${order.orderNo} to the payer. 12.50 is being refunded. 0.00 stays refundable.`,
    exceeds: 'exceeds what is refundable: 99.60 yuan left',
    changed: 'the refundable amount has become 39.60 yuan since this page was shown; check and send again',
    notAnAmount: 'is not an amount',
    tooFine: 'has more than two decimals',
    nothingLeft: 'Nothing is left to refund.',
    onlyLooking: 'Your role may look, but not refund.',
    success: 'Succeeded',
  },
};

const path = (order: Order) => `/apps/DEMO/orders/${order.orderNo}`;
const amount = (page: Page) => page.locator('input[name=amount]:visible');
const reason = (page: Page) => page.locator('input[name=reason]:visible');
const problem = (page: Page) => page.locator('#amount-problem');
const refunds = (page: Page) => page.locator('tbody a[data-row]');

/** Goes on from the form to the confirmation: a dialog, or a page of its own without scripts. */
async function review(page: Page, t: (typeof words)['zh'], scripts: boolean): Promise<Locator> {
  await page.getByRole('button', { name: t.review, exact: true }).click();
  if (scripts) {
    const dialog = page.getByRole('dialog', { name: t.confirm });
    await expect(dialog).toBeVisible();
    return dialog;
  }
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(t.confirm);
  return page.locator('main');
}

/** Expects that the order has exactly one refund, and that the channel moved its money exactly once. */
async function expectOneRefund(page: Page, gateway: Gateway, order: Order, refunded: number): Promise<void> {
  await open(page, path(order));
  await expect(refunds(page)).toHaveCount(1);
  const refundNo = await refunds(page).innerText();
  const entry = await gateway.book({ refundNo, bizRefundNo: '', status: '', amount: refunded, order });
  expect(entry).toMatchObject({ refundNo, amount: refunded * 100, moved: 1 });
}

test.beforeEach(async ({ page }) => login(page));

test('the form offers what is left, says what will happen, and makes it happen once', { tag: '@language' }, async ({
  page,
  gateway,
  language,
  scripts,
}) => {
  const t = words[language];
  const order = await gateway.order('OK');
  await open(page, path(order));
  await expect(page.getByLabel(t.amount)).toHaveValue('99.60');
  await expect(page.getByLabel(t.number)).toHaveValue(/^\w+$/);
  await expect(page.locator('main button.primary:visible')).toHaveText([t.review]);

  const step = await review(page, t, scripts);
  await expect(step.locator('.happens')).toHaveText(t.whole(order));
  await expect(step.locator('button.primary')).toHaveText([t.button('99.60')]);
  await expectGoodScreen(page);
  await step.getByRole('button', { name: t.button('99.60'), exact: true }).click();

  await expect(page).toHaveURL(/\/apps\/DEMO\/refunds\/\w+$/);
  await expect(page.locator('.head .badge')).toHaveText([t.success]);
  await expectOneRefund(page, gateway, order, 99.6);
  await expect(page.getByText(t.nothingLeft)).toBeVisible();
  await expect(amount(page)).toHaveCount(0);
});

test('a double click makes one refund', async ({ page, gateway, language, scripts }) => {
  const t = words[language];
  const order = await gateway.order('OK');
  await open(page, path(order));
  await amount(page).fill('30');
  const step = await review(page, t, scripts);
  await step.getByRole('button', { name: t.button('30.00'), exact: true }).dblclick();
  await expect(page).toHaveURL(/\/apps\/DEMO\/refunds\/\w+$/);
  await expectOneRefund(page, gateway, order, 30);
});

test('neither a reload nor going back makes a second refund', async ({ page, gateway, language, scripts }) => {
  const t = words[language];
  const order = await gateway.order('OK');
  await open(page, path(order));
  await amount(page).fill('60');
  const step = await review(page, t, scripts);
  await step.getByRole('button', { name: t.button('60.00'), exact: true }).click();
  await expect(page).toHaveURL(/\/apps\/DEMO\/refunds\/\w+$/);
  const refund = page.url();
  await page.reload();
  await expect(page).toHaveURL(refund);

  await page.goBack();
  await expect(page).toHaveURL(/\/orders\//);
  const again = page.getByRole('button', { name: t.button('60.00'), exact: true });
  if (await again.isVisible()) {
    // The old page asks for the same refund again, and leads to it.
    await again.click();
    await expect(page).toHaveURL(refund);
  } else {
    // The page loaded anew shows what is left.
    await expect(page.locator('.balance')).toContainText('39.60');
  }
  await page.reload();
  await expectOneRefund(page, gateway, order, 60);
});

test('of two tabs the second is refused at the amount, and keeps what was typed', { tag: '@language' }, async ({
  page,
  context,
  gateway,
  language,
  scripts,
}) => {
  const t = words[language];
  const order = await gateway.order('OK');
  const second = await context.newPage();
  await open(page, path(order));
  await open(second, path(order));
  await amount(second).fill('35.5');
  await reason(second).fill('付重了 & twice');
  const late = await review(second, t, scripts);

  await amount(page).fill('60');
  const step = await review(page, t, scripts);
  await step.getByRole('button', { name: t.button('60.00'), exact: true }).click();
  await expect(page).toHaveURL(/\/refunds\//);

  await late.getByRole('button', { name: t.button('35.50'), exact: true }).click();
  await expect(problem(second)).toHaveText(t.changed);
  await expect(second.getByRole('dialog')).toHaveCount(0);
  await expect(amount(second)).toHaveAttribute('aria-invalid', 'true');
  await expect(amount(second)).toHaveValue('35.5');
  await expect(reason(second)).toHaveValue('付重了 & twice');
  await expect(second.locator('.balance')).toContainText('39.60');
  await expectGoodScreen(second);
  await expectOneRefund(page, gateway, order, 60);

  // After the new balance was shown, the refund may go on.
  const now = await review(second, t, scripts);
  await now.getByRole('button', { name: t.button('35.50'), exact: true }).click();
  await expect(second).toHaveURL(/\/refunds\//);
  await open(second, path(order));
  await expect(refunds(second)).toHaveCount(2);
  await expect(second.locator('.balance')).toContainText('4.10');
});

test('what cannot be refunded is refused at the field', { tag: '@language' }, async ({ page, gateway, language }) => {
  const t = words[language];
  const order = await gateway.order('OK');
  await open(page, path(order));
  const wrong = [
    ['99.61', t.exceeds],
    ['1.234', t.tooFine],
    ['a lot', t.notAnAmount],
  ] as const;
  for (const [typed, why] of wrong) {
    await amount(page).fill(typed);
    await reason(page).fill('尺码不对');
    await page.getByRole('button', { name: t.review, exact: true }).click();
    await expect(problem(page)).toHaveText(why);
    await expect(amount(page)).toHaveAttribute('aria-invalid', 'true');
    await expect(amount(page)).toHaveValue(typed);
    await expect(reason(page)).toHaveValue('尺码不对');
    await expect(page.locator('.happens')).toHaveCount(0);
  }
  await expectGoodScreen(page);
  await open(page, path(order));
  await expect(refunds(page)).toHaveCount(0);
});

test('the sentence counts what was refunded before', { tag: '@language' }, async ({ page, gateway, language, scripts }) => {
  const t = words[language];
  const { order } = await gateway.refund('OK');
  await open(page, path(order));
  await expect(amount(page)).toHaveValue('87.10');
  await amount(page).fill('20');
  const step = await review(page, t, scripts);
  await expect(step.locator('.happens')).toHaveText(t.second(order));
});

test('the sentence counts what is being refunded', { tag: '@language' }, async ({ page, gateway, language, scripts }) => {
  const t = words[language];
  const { order } = await gateway.refund('LOST');
  await open(page, path(order));
  await expect(amount(page)).toHaveValue('87.10');
  const step = await review(page, t, scripts);
  await expect(step.locator('.happens')).toHaveText(t.held(order));
});

test('the reason and a number of our own reach the refund', async ({ page, gateway, language, scripts }) => {
  const t = words[language];
  const order = await gateway.order('OK');
  const number = `OWN-${unique()}`;
  await open(page, path(order));
  await amount(page).fill('1');
  await page.getByLabel(t.reason).fill('发错货 <b>');
  await page.getByLabel(t.number).fill(number);
  const step = await review(page, t, scripts);
  await expect(step).toContainText('发错货 <b>');
  await expect(step).toContainText(number);
  await step.getByRole('button', { name: t.button('1.00'), exact: true }).click();
  await expect(page).toHaveURL(/\/refunds\//);
  await expect(page.locator('main')).toContainText('发错货 <b>');
  await expect(page.locator('main')).toContainText(number);
});

test('who changes their mind refunds nothing', async ({ page, gateway, language, scripts }) => {
  const t = words[language];
  const order = await gateway.order('OK');
  await open(page, path(order));
  await amount(page).fill('12');
  const step = await review(page, t, scripts);
  if (scripts) {
    await page.keyboard.press('Escape');
    await expect(step).toBeHidden();
    await expect(amount(page)).toHaveValue('12');
    await page.keyboard.press('Tab');
    await review(page, t, scripts);
    await step.getByRole('button', { name: t.change, exact: true }).click();
    await expect(step).toBeHidden();
    await expect(amount(page)).toHaveValue('12');
  } else {
    await page.goBack();
    await expect(page).toHaveURL(path(order));
  }
  await open(page, path(order));
  await expect(refunds(page)).toHaveCount(0);
});

test('the whole refund is made by keyboard alone', { tag: '@scripts' }, async ({ page, gateway, language }) => {
  const t = words[language];
  const order = await gateway.order('OK');
  await open(page, path(order));
  const sent = posts(page);
  await page.keyboard.press('r');
  await page.keyboard.type('30');
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: t.confirm });
  await expect(dialog.getByRole('heading')).toBeFocused();
  await page.keyboard.press('Tab');
  const button = dialog.getByRole('button', { name: t.button('30.00'), exact: true });
  await expect(button).toBeFocused();
  await expect(button).toBeEnabled();
  await expectGoodScreen(page);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/refunds\/\w+$/);
  expect(sent).toHaveLength(1);
  await expectOneRefund(page, gateway, order, 30);
});

const hasty = {
  'Enter, held': (page: Page) => hold(page, 'Enter'),
  'Enter, three times': (page: Page) => pressThrice(page, 'Enter'),
};
for (const [name, press] of Object.entries(hasty)) {
  test(`what is pressed before it can have been read confirms nothing: ${name}`, { tag: '@scripts' }, async ({
    page,
    gateway,
    language,
  }) => {
    const t = words[language];
    const order = await gateway.order('OK');
    await open(page, path(order));
    const sent = posts(page);
    await page.keyboard.press('r');
    await press(page);
    await page.keyboard.up('Enter');
    const dialog = page.getByRole('dialog', { name: t.confirm });
    await expect(dialog).toBeVisible();
    await expect(dialog.getByRole('heading')).toBeFocused();
    const button = dialog.locator('button.primary');
    await expect(button).toBeEnabled();
    // Nor does it happen later: the heading takes no press.
    await page.keyboard.press('Enter');
    await expect(dialog).toBeVisible();
    expect(sent).toEqual([]);
    await open(page, path(order));
    await expect(refunds(page)).toHaveCount(0);
  });
}

test('the button takes no press while a key is held, and none that began so', { tag: '@scripts' }, async ({
  page,
  gateway,
  language,
}) => {
  const t = words[language];
  const order = await gateway.order('OK');
  await open(page, path(order));
  const sent = posts(page);
  await page.keyboard.press('r');
  await hold(page, 'Enter');
  const dialog = page.getByRole('dialog', { name: t.confirm });
  const button = dialog.locator('button.primary');
  await expect(button).toHaveAttribute('aria-disabled', 'true');
  await expectGoodScreen(page);
  const before = await button.boundingBox();
  await page.keyboard.press('Tab');
  await expect(button).toBeFocused();
  await button.click({ force: true });

  // Enter is still held when Space goes down on the button.
  await hold(page, 'Space');
  await page.keyboard.up('Enter');
  await page.keyboard.up('Space');
  await expect(button).toBeEnabled();
  await expect(button).toBeFocused();
  expect(await button.boundingBox()).toEqual(before);
  expect(sent).toEqual([]);

  // A new press sends once; its repetitions send nothing.
  await hold(page, 'Enter');
  await page.keyboard.up('Enter');
  await expect(page).toHaveURL(/\/refunds\/\w+$/);
  expect(sent).toHaveLength(1);
  await expectOneRefund(page, gateway, order, 99.6);
});

test('a second click that falls on the button as it comes presses nothing', { tag: '@scripts' }, async ({ page, gateway }) => {
  const order = await gateway.order('OK');
  await open(page, path(order));
  const sent = posts(page);
  const unarmed = await pressInEveryFrame(page, 'form.fields button.primary', 'dialog[open] button.primary');
  expect(unarmed).toBeGreaterThan(350);
  expect(sent).toEqual([]);
  await open(page, path(order));
  await expect(refunds(page)).toHaveCount(0);
});

test('a page of its own takes no held key for a press either', async ({ page, gateway, language, scripts }) => {
  const t = words[language];
  const order = await gateway.order('OK');
  const typed = { amount: '30', reason: '', biz_refund_no: unique(), expected: '99.60' };
  await page.keyboard.down('Enter');
  await open(page, `${path(order)}/refund?${new URLSearchParams(typed)}`);
  const sent = posts(page);
  await expect(page.getByRole('heading', { level: 1 })).toBeFocused();
  await hold(page, 'Enter');
  const button = page.getByRole('button', { name: t.button('30.00'), exact: true });
  if (scripts) {
    // Not even at the button itself.
    await page.keyboard.press('Tab');
    await expect(button).toBeFocused();
    await hold(page, 'Enter');
  }
  await page.keyboard.up('Enter');
  expect(sent).toEqual([]);

  if (!scripts) await page.keyboard.press('Tab');
  await expect(button).toBeFocused();
  await expect(button).toBeEnabled();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/refunds\/\w+$/);
  await expectOneRefund(page, gateway, order, 30);
});

test('who may only look has no form', async ({ page, context, gateway, viewer, language }) => {
  const order = await gateway.order('OK');
  await context.clearCookies();
  await login(page, viewer);
  await open(page, path(order));
  await expect(page.getByText(words[language].onlyLooking)).toBeVisible();
  await expect(amount(page)).toHaveCount(0);
  await expect(page.locator('main button.primary')).toHaveCount(0);
});
