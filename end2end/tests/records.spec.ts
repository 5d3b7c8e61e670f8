import type { Page } from '@playwright/test';
import { expect, login, open, test } from '../support/fixtures.ts';
import { expectGoodScreen } from '../support/screens.ts';

const words = {
  zh: {
    inbox: '未决退款',
    raised: '待人工处理',
    notFound: '查无此单',
    close: '关闭…',
    closeTitle: '关闭退款',
    closing: '只有通道答复查无此单才会关闭：占用的 12.50 元退回订单',
    closeButton: '关闭退款',
    closed: '退款已关闭。',
    review: '已查看…',
    reviewTitle: '标为已查看',
    remark: '备注',
    noted: '已记录：已查看。',
    notices: '通知',
    givenUp: '已放弃',
    sendAgain: '再次发送',
    signed: '签名说明',
    sent: '已再次发送',
    onlyLook: '您的角色只能查看，不能发送通知',
    callbacks: '回调',
    badSignature: '签名错误',
    syncs: '同步记录',
    changed: '改变了状态',
  },
  en: {
    inbox: 'Undecided refunds',
    raised: 'Needs a person',
    notFound: 'Not found',
    close: 'Close…',
    closeTitle: 'Close the refund',
    closing: 'Only if it says that it does not know the refund is it closed: the 12.50 yuan held go back to order',
    closeButton: 'Close refund',
    closed: 'The refund is closed.',
    review: 'Reviewed…',
    reviewTitle: 'Mark as reviewed',
    remark: 'Remark',
    noted: 'Noted as reviewed.',
    notices: 'Notices',
    givenUp: 'Given up',
    sendAgain: 'Send again',
    signed: 'How it is signed',
    sent: 'Sent again',
    onlyLook: 'Your role may look, but not send notices',
    callbacks: 'Callbacks',
    badSignature: 'Bad signature',
    syncs: 'Sync records',
    changed: 'Changed our state',
  },
};

const rows = (page: Page) => page.locator('tbody tr');
const chip = (page: Page, name: string) => page.locator('.chips').getByRole('link', { name });
const heading = (page: Page) => page.getByRole('heading', { level: 1 });

/** Returns the place of the confirmation: a dialog, or a page of its own without scripts. */
async function confirming(page: Page, title: string, inDialog: boolean) {
  if (inDialog) return page.getByRole('dialog', { name: title });
  await expect(heading(page)).toHaveText(title);
  return page.locator('main');
}

test.beforeEach(async ({ page }) => login(page));

test('an undecided refund that its channel does not know is closed from the inbox', { tag: '@language' }, async ({ page, gateway, language }) => {
  const t = words[language];
  const refund = await gateway.refund('ABSENT');
  await gateway.sync(refund);
  await open(page, '/apps/DEMO/review?review=1');
  await expect(heading(page)).toContainText(t.inbox);
  await expectGoodScreen(page);
  await open(page, `/apps/DEMO/refunds/${refund.refundNo}/close`);
  await expect(heading(page)).toHaveText(t.closeTitle);
  await expect(page.locator('.happens')).toContainText(t.closing);
  await page.getByRole('button', { name: t.closeButton, exact: true }).click();
  await expect(page.locator('.done')).toContainText(t.closed);
  await expect(page.locator('.timeline li').first()).toContainText(language === 'zh' ? '关闭' : 'Closed');
});

test('the inbox begins with the oldest, and offers what is safe', async ({ page, language, scripts }) => {
  const t = words[language];
  await open(page, '/apps/DEMO/review');
  await expect(rows(page).first()).toBeVisible();
  await expect(rows(page).first().locator('.acts button')).toHaveCount(1);
  await expectGoodScreen(page);
  if (scripts) {
    await page.keyboard.press('j');
    await expect(rows(page).first().locator('a[data-row]')).toBeFocused();
  }
  await chip(page, t.raised).click();
  await expect(page).toHaveURL(/review=1/);
  await expect(rows(page).first().locator('.badge[data-tone=alert]').last()).toBeVisible();
});

test('what was raised is marked as reviewed, with a remark', { tag: '@language' }, async ({ page, language }) => {
  const t = words[language];
  await open(page, '/apps/DEMO/review?review=1');
  const link = rows(page).getByRole('link', { name: t.review }).first();
  await link.click();
  await expect(heading(page)).toHaveText(t.reviewTitle);
  await page.getByLabel(t.remark).fill('<b>对过账单</b>');
  await page.getByRole('button', { name: t.reviewTitle }).click();
  await expect(page.locator('.done')).toContainText(t.noted);
  await expect(page.locator('.timeline li').first()).toContainText('<b>对过账单</b>');
});

test('a notice shows its bytes and how it is signed, and is sent again', { tag: '@language' }, async ({ page, language, scripts }) => {
  const t = words[language];
  await open(page, '/apps/DEMO/notices');
  await expect(heading(page)).toContainText(t.notices);
  await expectGoodScreen(page);
  await chip(page, t.givenUp).click();
  await expect(page).toHaveURL(/state=given_up/);
  await expect(rows(page).first()).toContainText(t.givenUp);
  await rows(page).first().locator('a[data-row]').click();
  await expect(page.locator('.head')).toContainText(t.givenUp);
  const lines = page.locator('.timeline li');
  await expect(lines).toHaveCount(16);
  await expect(lines.first().locator('pre').nth(1)).toContainText('"sign"');
  await expect(page.locator('section', { hasText: t.signed }).locator('pre').first()).toContainText('••••');
  await expect(page.locator('main')).not.toContainText('123456&');
  await expectGoodScreen(page);
  await page.locator('.head').getByRole('link', { name: t.sendAgain }).click();
  const confirm = await confirming(page, t.sendAgain, scripts);
  await expect(confirm).toContainText('http://127.0.0.1:9/');
  await confirm.getByRole('button', { name: t.sendAgain }).click();
  await expect(page.locator('.done')).toContainText(t.sent);
  await expect(lines).toHaveCount(17);
});

test('who may only look cannot send a notice', async ({ page, viewer, language }) => {
  const t = words[language];
  await login(page, viewer);
  await open(page, '/apps/DEMO/notices');
  const href = await rows(page).first().locator('a[data-row]').getAttribute('href');
  await open(page, href!);
  await expect(page.getByRole('link', { name: t.sendAgain })).toHaveCount(0);
  await open(page, `${href}/send`);
  await expect(page.locator('main')).toContainText(t.onlyLook);
});

test('callbacks are listed by what became of them, and shown as they came', { tag: '@language' }, async ({ page, language }) => {
  const t = words[language];
  await open(page, '/apps/DEMO/callbacks');
  await expect(heading(page)).toContainText(t.callbacks);
  await expectGoodScreen(page);
  await chip(page, t.badSignature).click();
  await expect(page).toHaveURL(/verdict=bad_signature/);
  await rows(page).first().locator('a[data-row]').click();
  await expect(page.locator('.head')).toContainText(t.badSignature);
  await expect(page.locator('pre').first()).toContainText('sandbox-signature');
  await expectGoodScreen(page);
});

test('sync records show what the channel said, and which changed our state', { tag: '@language' }, async ({ page, gateway, language }) => {
  const t = words[language];
  const refund = await gateway.refund('TIMEOUT');
  await gateway.sync(refund);
  await open(page, `/apps/DEMO/syncs?q=${refund.refundNo}`);
  await expect(heading(page)).toContainText(t.syncs);
  await expect(rows(page)).toHaveCount(1);
  const said = rows(page).first().locator('details.said');
  await said.locator('summary').click();
  await expect(said.locator('pre')).toBeVisible();
  await expectGoodScreen(page);
  await chip(page, t.changed).click();
  await expect(page).toHaveURL(/changed=1/);
  await expect(rows(page)).toHaveCount(1);
  await open(page, '/apps/DEMO/syncs?outcome=not_found');
  await expect(rows(page).first()).toContainText(t.notFound);
});
