import type { Page } from '@playwright/test';
import type { Gateway } from '../support/gateway.ts';
import { expect, login, open, test } from '../support/fixtures.ts';
import { expectGoodScreen } from '../support/screens.ts';

/** The words of a page that are the console's own: no names, titles or reasons that somebody else wrote. */
const OWN_WORDS = 'nav a:not([lang]), main :is(h2, th, dt, label, legend, button:not([lang]))';

/** Words that are the same in each language: the product's, and those on keys. */
const NAMES = ['Refundry', 'Enter', 'Esc'];

const CHINESE = /\p{Script=Han}/u;

/** Expects that the console's own words on the page are in the language. */
async function expectLanguage(page: Page, language: 'zh' | 'en'): Promise<void> {
  await expect(page.locator('html')).toHaveAttribute('lang', new RegExp(`^${language}`));
  const words = (await page.locator(OWN_WORDS).allInnerTexts()).map((text) => text.trim());
  expect(words.length).toBeGreaterThan(0);
  const own = words.filter((text) => /\p{L}{2}/u.test(text) && !NAMES.includes(text));
  const foreign = own.filter((text) => CHINESE.test(text) !== (language === 'zh'));
  expect(foreign).toEqual([]);
}

/** Returns the address that the first row of a list leads to. */
async function firstOf(page: Page, list: string): Promise<string> {
  await open(page, list);
  return (await page.locator('tbody a[data-row]').first().getAttribute('href'))!;
}

const app = '/apps/DEMO';

type Find = (page: Page, gateway: Gateway) => Promise<string[]>;
const groups: Record<string, Find> = {
  'lists of money': async () => ['orders', 'refunds', 'review'].map((list) => `${app}/${list}`),

  'lists of records': async () => ['notices', 'callbacks', 'syncs'].map((list) => `${app}/${list}`),

  'an order and its refund': async (_, gateway) => {
    const refund = await gateway.refund('FAIL');
    const confirm = { amount: '1', reason: '', biz_refund_no: `${refund.bizRefundNo}B`, expected: '99.60' };
    const order = `${app}/orders/${refund.order.orderNo}`;
    const path = `${app}/refunds/${refund.refundNo}`;
    return [order, `${order}/refund?${new URLSearchParams(confirm)}`, path, `${path}/retry`, `${path}/close`];
  },

  'a refund to review': async (_, gateway) => {
    const refund = await gateway.refund('ABSENT');
    await gateway.sync(refund);
    const path = `${app}/refunds/${refund.refundNo}`;
    return [path, `${path}/review`, `${path}/close`];
  },

  records: async (page) => {
    const notice = await firstOf(page, `${app}/notices`);
    return [notice, `${notice}/send`, await firstOf(page, `${app}/callbacks`), '/help'];
  },
};

for (const [name, find] of Object.entries(groups)) {
  test(`every page is complete in each language: ${name}`, { tag: ['@language', '@scripts'] }, async ({
    page,
    gateway,
    language,
  }) => {
    test.slow(); // several pages in one test
    await login(page);
    for (const path of await find(page, gateway)) {
      await test.step(path, async () => {
        await open(page, path);
        await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
        await expectLanguage(page, language);
        await expectGoodScreen(page);
      });
    }
  });
}

test('every page is complete in each language: the login', { tag: ['@language', '@scripts'] }, async ({
  page,
  language,
}) => {
  await open(page, '/login');
  await expectLanguage(page, language);
  await expectGoodScreen(page);
});
