// 单商户版（2.x）：登记一笔 10.00 元（1000 分）的订单，退 2.50 元（250 分），再查询这笔退款。
// Single edition: records an order of 10.00 yuan (1000 fen), refunds 2.50 (250 fen), and queries the refund.
//
//     UNIPAY_URL=http://127.0.0.1:3000 UNIPAY_SECRET=123456 node single.mjs

import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

const URL = process.env.UNIPAY_URL ?? "http://127.0.0.1:3000";
const SECRET = process.env.UNIPAY_SECRET ?? "123456";
const SANDBOX = process.env.UNIPAY_SANDBOX ?? "OK"; // 沙箱的退款结果 / how the sandbox treats the refund: OK, ASYNC, FAIL, ...

// 结果不明：重复操作、内部错误、处理中、限流 / unknown: repeated, internal error, under way, over a limit
const UNDECIDED = [10007, 10500, 20043, 20060];
const NO_SUCH_REFUND = 20041;

function sign(fields) {
  const names = Object.keys(fields).filter((name) => name !== "sign" && fields[name] != null && fields[name] !== "");
  const joined = names.sort().map((name) => `${name}=${fields[name]}`).join("&");
  const text = `${joined.replace(/["\\]/g, "")}&key=${SECRET}`;
  return createHmac("sha256", SECRET).update(text).digest("hex");
}

function same(ours, theirs) {
  const [a, b] = [Buffer.from(ours), Buffer.from(String(theirs))];
  return a.length === b.length && timingSafeEqual(a, b);
}

function fail(text) {
  console.error(text);
  process.exit(1);
}

function now() {
  return Math.floor(Date.now() / 1000);
}

/**
 * 发送请求，验证 data 内的签名，返回 data；结果不明时返回 null。
 * Sends a request, verifies the signature in data, and returns data; null: outcome unknown.
 */
async function call(path, given) {
  const fields = { reqTime: now(), ...given };
  const body = JSON.stringify({ ...fields, sign: sign(fields) });
  let answer;
  try {
    const response = await fetch(`${URL}/unipay/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      signal: AbortSignal.timeout(10_000),
    });
    if (response.status !== 200) throw new Error(`HTTP ${response.status}`);
    answer = await response.json();
  } catch (error) {
    console.log(`${path}: 结果不明 unknown: ${error}`);
    return null;
  }
  if (UNDECIDED.includes(answer.code)) {
    console.log(`${path}: 结果不明 unknown: ${answer.code} ${answer.msg}`);
    return null;
  }
  // 外层的拒绝（参数、签名、时钟）没有签名 / a refusal on the envelope (parameters, signature, clock) is not signed
  const { data } = answer;
  if (answer.code !== 0 || !data) fail(`${path}: 未受理 not accepted: ${answer.code} ${answer.msg}`);
  if (!same(sign(data), data.sign)) {
    fail(`${path}: 应答验签失败 the answer's signature does not hold: ${JSON.stringify(answer)}`);
  }
  console.log(`${path}: ${data.code} ${JSON.stringify(data)}`);
  return UNDECIDED.includes(data.code) ? null : data;
}

/**
 * 退款直到有结果。超时或处理中只查询原号码，绝不换号。
 * Refunds until there is an outcome. After a time-out and while in progress, the same number is queried, never a new one.
 */
async function refund(fields) {
  let data = await call("refund", fields);
  for (let i = 0; i < 30; i++) {
    // data.code 为 0 只表示受理，结果看 status / data.code 0 means accepted, the outcome is status
    if (data && (data.code !== 0 || data.status !== "progress")) return data;
    await sleep(1000);
    data = await call("query/refundOrder", { bizRefundNo: fields.bizRefundNo });
    // 请求没有到达，原样再发 / it never arrived: the same again
    if (data?.code === NO_SUCH_REFUND) data = await call("refund", fields);
  }
  return fail("仍在处理中，请稍后再查 still in progress: query it later");
}

function must(data) {
  return data?.code === 0 ? data : fail("未受理 not accepted");
}

// 号码先存库再发送，重启后仍用原号 / store the numbers before sending, so that a restart uses the same ones
const run = randomBytes(8).toString("hex");
const [bizOrderNo, bizRefundNo] = [`P${run}`, `R${run}`];

must(await call("order/record", {
  bizOrderNo, outOrderNo: `SBX-${SANDBOX}-${run}`, channel: "sandbox", method: "qr_code",
  title: "茶 Tea", amount: 1000, payTime: now(),
}));
must(await refund({ bizOrderNo, bizRefundNo, amount: 250, reason: "凉了 cold" }));
const found = must(await call("query/refundOrder", { bizRefundNo }));
console.log("refund", found.bizRefundNo, found.status, found.amount);
