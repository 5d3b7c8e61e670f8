import { createHmac } from 'node:crypto';

/** How an order of the sandbox takes refunds: the middle of its channel number, `SBX-…-`. */
export type Behaviour = 'OK' | 'ASYNC' | 'FAIL' | 'LATEFAIL' | 'CLOSED' | 'TIMEOUT' | 'LOST' | 'FLAKY' | 'ABSENT';

export type Order = { orderNo: string; bizOrderNo: string; outOrderNo: string; title: string; amount: number };
export type Refund = { refundNo: string; bizRefundNo: string; status: string; amount: number; order: Order };

/** What the sandbox's own book says of a refund; `moved` counts how often money moved. */
export type BookEntry = { refundNo: string; amount: number; status: string; moved: number };

let made = 0;

/** A text that no other test has, in any worker: what a test creates is found by it. */
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

  /** A paid order that takes refunds as the sandbox's `behaviour`. */
  async order(behaviour: Behaviour, { amount = 99.6, title = '高山茶 礼盒' } = {}): Promise<Order> {
    const id = unique();
    const order = { bizOrderNo: `T${id}`, outOrderNo: `SBX-${behaviour}-${id}`, title, amount };
    const { orderNo } = await this.call<{ orderNo: string }>('/order/record', {
      ...order,
      channel: 'sandbox',
      method: 'qr_code',
      payTime: shanghai(Date.now() - 60_000),
    });
    return { orderNo, ...order };
  }

  /** A refund of an order made for it, or of the one given. */
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

  /** Asks the channel, as the merchant may. */
  async sync(refund: Refund): Promise<void> {
    await this.call('/sync/order/refund', { refundNo: refund.refundNo });
  }

  /** What the channel's book says: nothing where it does not know the refund. */
  async book(refund: Refund): Promise<BookEntry | undefined> {
    const response = await fetch(`${this.#url}/sandbox/book/${refund.refundNo}`);
    return response.ok ? ((await response.json()) as BookEntry) : undefined;
  }

  /** Sends one request of the open edition; the answer's data, or an error that tells why not. */
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

/** The open edition's signature: the sorted fields and the secret, upper-cased, under HMAC-SHA-256. */
function sign(fields: Record<string, unknown>, secret: string): string {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
  const text = given
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
    .replace(/["\\]/g, '');
  return createHmac('sha256', secret).update(`${text}&key=${secret}`.toUpperCase()).digest('hex');
}

/** `yyyy-MM-dd HH:mm:ss` in the zone that the demonstration keeps, which knows no summer time. */
function shanghai(at: number): string {
  return new Date(at + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
}
