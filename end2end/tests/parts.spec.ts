import { expect, login, open, settled, test } from '../support/fixtures.ts';

const PART = /\/assets\/[0-9a-f]+\/split_details\.wasm$/;
const LIST = '/apps/DEMO/orders';

test('the pages about one thing are loaded when one of them is opened', { tag: '@scripts' }, async ({ page, gateway }) => {
  const loaded: string[] = [];
  page.on('request', (request) => PART.test(request.url()) && loaded.push(request.url()));
  const order = await gateway.order('OK');
  await login(page);
  await open(page, `${LIST}?q=${order.bizOrderNo}`);
  expect(loaded).toEqual([]);

  const answer = page.waitForResponse(PART);
  await page.locator('tbody a[data-row]').click();
  const headers = await (await answer).allHeaders();
  expect(headers['content-type']).toBe('application/wasm');
  expect(headers['content-encoding']).toBe('br');
  expect(headers['cache-control']).toContain('immutable');
  await expect(page).toHaveURL(`${LIST}/${order.orderNo}`);
  await expect(page.getByRole('heading', { level: 1 })).toContainText(order.orderNo);

  // The module is loaded once, and together with the page where such a page comes first.
  await page.goBack();
  await page.goForward();
  await expect(page.getByRole('heading', { level: 1 })).toContainText(order.orderNo);
  expect(loaded).toHaveLength(1);
  await page.reload();
  await settled(page);
  await expect(page.locator('link[rel=preload]')).toHaveCount(2);
});

test('where its part cannot be loaded, a page comes whole from the server', { tag: '@scripts' }, async ({ page, gateway }) => {
  const order = await gateway.order('OK');
  await login(page);
  await open(page, `${LIST}?q=${order.bizOrderNo}`);
  // The answer of a server of another release.
  await page.route(PART, (route) => route.fulfill({ status: 404, contentType: 'text/plain', body: '' }));
  await page.locator('tbody a[data-row]').click();
  await expect(page).toHaveURL(`${LIST}/${order.orderNo}`);
  await expect(page.getByRole('heading', { level: 1 })).toContainText(order.orderNo);
  await page.unroute(PART);
  await page.reload();
  await settled(page);
});
