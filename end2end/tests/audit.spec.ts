import type { Page } from '@playwright/test';
import { expect, login, open, test } from '../support/fixtures.ts';
import { expectGoodScreen } from '../support/screens.ts';

const words = {
  zh: {
    nav: '审计',
    title: '审计记录',
    requested: '申请退款',
    recorded: '登记订单',
    merchant: '商户',
    loggedIn: '登录',
    who: '操作者',
    check: '检查审计链',
    unbroken: '完整',
    lastHash: '末条哈希',
    nothing: '没有符合条件的结果',
    forbidden: '没有权限',
  },
  en: {
    nav: 'Audit',
    title: 'Audit log',
    requested: 'Refund requested',
    recorded: 'Order recorded',
    merchant: 'Merchant',
    loggedIn: 'Logged in',
    who: 'Who',
    check: 'Check the chain',
    unbroken: 'Unbroken',
    lastHash: 'Last hash',
    nothing: 'Nothing matches',
    forbidden: 'Your role does not allow this',
  },
};

const rows = (page: Page) => page.locator('tbody tr');
const heading = (page: Page) => page.getByRole('heading', { level: 1 });
const rail = (page: Page) => page.locator('.rail');

test.beforeEach(async ({ page, language, context, server }) => {
  await context.addCookies([{ name: 'lang', value: language, url: server.url }]);
  await login(page);
});

test('an act is listed with who did it, from where, and what it changed', async ({ page, gateway, language }) => {
  const t = words[language];
  const refund = await gateway.refund('OK');
  await open(page, '/apps/DEMO/orders');
  await rail(page).getByRole('link', { name: t.nav, exact: true }).click();
  await expect(page).toHaveURL(/\/apps\/DEMO\/audit$/);
  await expect(heading(page)).toContainText(t.title);
  const row = rows(page).filter({ hasText: refund.refundNo }).first();
  await expect(row).toContainText(t.requested);
  await expect(row).toContainText(t.merchant);
  await expect(row).toContainText('127.0.0.1');
  const change = row.locator('details.said');
  await change.locator('summary').click();
  await expect(change.locator('pre')).toContainText(refund.bizRefundNo);
  await expectGoodScreen(page);
  await row.getByRole('link', { name: t.merchant }).click();
  await expect(page).toHaveURL(/who=merchant/);
  await expect(rows(page).first()).toContainText(t.merchant);
  await rows(page).filter({ hasText: refund.refundNo }).first().locator('a[data-row]').click();
  await expect(page).toHaveURL(new RegExp(`/refunds/${refund.refundNo}`));
});

test('acts are filtered by kind and by who did them', async ({ page, gateway, language, scripts }) => {
  const t = words[language];
  await gateway.refund('OK');
  await open(page, '/apps/DEMO/audit');
  await page.locator('select[name=action]').selectOption('order_recorded');
  if (!scripts) await page.locator('.filters button.apply').click();
  await expect(page).toHaveURL(/action=order_recorded/);
  await expect(rows(page).first()).toContainText(t.recorded);
  await expect(rows(page).filter({ hasText: t.requested })).toHaveCount(0);
  await open(page, '/apps/DEMO/audit?who=nobody-of-this-name');
  await expect(page.locator('main')).toContainText(t.nothing);
  await expect(page.getByLabel(t.who, { exact: true })).toHaveValue('nobody-of-this-name');
});

test('logins belong to no app and are listed apart', async ({ page, language }) => {
  const t = words[language];
  await open(page, '/apps/DEMO/audit?app=none&who=admin&action=logged_in');
  await expect(rows(page).first()).toContainText(t.loggedIn);
  await expect(rows(page).first()).toContainText('admin');
  await expectGoodScreen(page);
});

test('the chain is checked, and its last hash told', async ({ page, gateway, language }) => {
  const t = words[language];
  await gateway.refund('OK');
  await open(page, '/apps/DEMO/audit');
  await page.getByRole('link', { name: t.check }).click();
  await expect(page).toHaveURL(/\/audit\/check$/);
  await expect(page.locator('.head')).toContainText(t.unbroken);
  const hash = page.locator('figure', { hasText: t.lastHash }).locator('pre');
  await expect(hash).toHaveText(/^[0-9a-f]{64}$/);
  await expectGoodScreen(page);
});

test('who may not read the audit is not led there, and is refused', async ({ page, viewer, language }) => {
  const t = words[language];
  await page.context().clearCookies({ name: 'id' });
  await login(page, viewer);
  await open(page, '/apps/DEMO/orders');
  await expect(rail(page).getByRole('link', { name: t.nav, exact: true })).toHaveCount(0);
  for (const path of ['audit', 'audit/check']) {
    await open(page, `/apps/DEMO/${path}`);
    await expect(page.locator('main')).toContainText(t.forbidden);
  }
});
