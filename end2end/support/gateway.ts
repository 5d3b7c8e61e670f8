import { createHmac } from 'node:crypto';

/** The sandbox's treatment of an order's refunds: the middle of the order's channel number, `SBX-…-`. */
export type Behaviour = 'OK' | 'ASYNC' | 'FAIL' | 'LATEFAIL' | 'CLOSED' | 'TIMEOUT' | 'LOST' | 'FLAKY' | 'ABSENT' | 'REVERSED';

export type Order = { orderNo: string; bizOrderNo: string; outOrderNo: string; title: string; amount: number };
export type Refund = { refundNo: string; bizRefundNo: string; status: string; amount: number; order: Order };

/** An entry of the sandbox's ledger; `moved` counts how often money moved. */
export type BookEntry = { refundNo: string; amount: number; status: string; moved: number };

let made = 0;

/** Makes a text that no other test has, in any worker. A test finds by it what it created. */
export function unique(): string {
  made += 1;
  return `${Date.now().toString(36)}${process.pid.toString(36)}x${made}`.toUpperCase();
}

/** The merchant's side of the demonstration: signed requests, as a merchant's system sends them. */
export class Gateway {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** Records a paid order whose refunds the sandbox treats by `behaviour`. */
  async order(
    behaviour: Behaviour,
    { amount = 99.6, title = '高山茶 礼盒', channel = 'sandbox' } = {},
  ): Promise<Order> {
    const id = unique();
    const order = { bizOrderNo: `T${id}`, outOrderNo: `SBX-${behaviour}-${id}`, title, amount };
    const { orderNo } = await this.call<{ orderNo: string }>('/order/record', {
      ...order,
      channel,
      method: 'qr_code',
      payTime: shanghai(Date.now() - 60_000),
    });
    return { orderNo, ...order };
  }

  /** Requests a refund of the given order, or of a new one. */
  async refund(
    of: Behaviour | Order,
    { amount = 12.5, ...more }: { amount?: number; reason?: string; title?: string } = {},
  ): Promise<Refund> {
    const { title, ...rest } = more;
    const order = typeof of === 'string' ? await this.order(of, { title }) : of;
    const bizRefundNo = `R${unique()}`;
    type Answer = { refundNo: string; status: string };
    const fields = { bizRefundNo, orderNo: order.orderNo, amount, ...rest };
    const { refundNo, status } = await this.call<Answer>('/refund', fields);
    return { refundNo, bizRefundNo, status, amount, order };
  }

  /** Makes the server ask the channel for the refund's state. */
  async sync(refund: Refund): Promise<void> {
    await this.call('/sync/order/refund', { refundNo: refund.refundNo });
  }

  /** Calls back as the channel does, that a refund was paid out. */
  async callBackSuccess(refund: Refund): Promise<void> {
    const amount = Math.round(refund.amount * 100);
    const body = JSON.stringify({ refundNo: refund.refundNo, amount, status: 'success', outRefundNo: 'X' });
    const signature = createHmac('sha256', '123456').update(body).digest('hex');
    const url = `${this.#url}/unipay/callback/DEMO/sandbox/DEMO-sandbox`;
    const response = await fetch(url, { method: 'POST', headers: { 'sandbox-signature': signature }, body });
    if (!response.ok) throw new Error(`callback: ${response.status} ${await response.text()}`);
  }

  /** Reads the channel's ledger; undefined where the channel does not know the refund. */
  async book(refund: Refund): Promise<BookEntry | undefined> {
    const response = await fetch(`${this.#url}/sandbox/book/${refund.refundNo}`);
    return response.ok ? ((await response.json()) as BookEntry) : undefined;
  }

  /** Sends a request of the open edition. Returns the answer's data, or throws with its code and message. */
  async call<Data>(path: string, fields: Record<string, unknown>): Promise<Data> {
    const unsigned = { appId: 'DEMO', reqTime: shanghai(Date.now()), ...fields };
    const response = await fetch(`${this.#url}/unipay${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...unsigned, sign: sign(unsigned, '123456') }),
    });
    const answer = (await response.json()) as { code: number; msg: string; data: Data };
    if (answer.code !== 0) throw new Error(`${path}: ${answer.code} ${answer.msg}`);
    return answer.data;
  }
}

/** Signs for the open edition: the sorted fields and the secret, upper-cased, under HMAC-SHA-256. */
function sign(fields: Record<string, unknown>, secret: string): string {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
  const text = given
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
    .replace(/["\\]/g, '');
  return createHmac('sha256', secret).update(`${text}&key=${secret}`.toUpperCase()).digest('hex');
}

/** Writes `yyyy-MM-dd HH:mm:ss` in the demonstration's zone, which has no summer time. */
function shanghai(at: number): string {
  return new Date(at + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
}
