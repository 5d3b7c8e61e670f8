// 服务商版（3.x）：登记一笔 10.00 元的订单，退 2.50 元，再查询这笔退款。
// Open edition: records an order of 10.00 yuan, refunds 2.50 of it, and queries the refund.
//
//     UNIPAY_URL=http://127.0.0.1:3000 UNIPAY_APP_ID=DEMO UNIPAY_SECRET=123456 node open.mjs

import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

const URL = process.env.UNIPAY_URL ?? "http://127.0.0.1:3000";
const APP_ID = process.env.UNIPAY_APP_ID ?? "DEMO";
const SECRET = process.env.UNIPAY_SECRET ?? "123456";
const SANDBOX = process.env.UNIPAY_SANDBOX ?? "OK"; // 沙箱的退款结果 / how the sandbox treats the refund: OK, ASYNC, FAIL, ...

const UNDECIDED = [10500, 20043, 20060]; // 结果不明：内部错误、处理中、限流 / unknown: internal error, under way, over a limit
const NO_SUCH_REFUND = 20041;
const INVISIBLE = /[\u0080-\u00a0\u2000-\u2010\u2028-\u202f\u2066-\u206f]/g;

/** 写出待签名文本中的值。 / Writes a value as it stands in the signed text. */
function signed(value) {
  if (typeof value === "string") return value;
  // 数字没有末尾的零 / numbers have no trailing zeros: 1.10 -> 1.1, 1.00 -> 1
  const escaped = (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replace(INVISIBLE, escaped);
}

function sign(fields) {
  const names = Object.keys(fields).filter((name) => name !== "sign" && fields[name] != null && fields[name] !== "");
  const joined = names.sort().map((name) => `${name}=${signed(fields[name])}`).join("&");
  const text = `${joined.replace(/["\\]/g, "")}&key=${SECRET}`;
  return createHmac("sha256", SECRET).update(text.toUpperCase()).digest("hex");
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
  return new Date().toLocaleString("sv-SE", { timeZone: "Asia/Shanghai" }); // yyyy-MM-dd HH:mm:ss
}

/** 发送请求并验证应答的签名；结果不明时返回 null。 / Sends a request and verifies the answer; null: outcome unknown. */
async function call(path, given) {
  const fields = { appId: APP_ID, reqTime: now(), ...given };
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
  if (!same(sign(answer), answer.sign)) {
    fail(`${path}: 应答验签失败 the answer's signature does not hold: ${JSON.stringify(answer)}`);
  }
  console.log(`${path}: ${answer.code} ${answer.msg} ${JSON.stringify(answer.data)}`);
  return answer;
}

/**
 * 退款直到有结果。超时或处理中只查询原号码，绝不换号。
 * Refunds until there is an outcome. After a time-out and while in progress, the same number is queried, never a new one.
 */
async function refund(fields) {
  let answer = await call("refund", fields);
  for (let i = 0; i < 30; i++) {
    // code 为 0 只表示受理，结果看 status / code 0 means accepted, the outcome is status
    if (answer && (answer.code !== 0 || answer.data.status !== "progress")) return answer;
    await sleep(1000);
    answer = await call("query/refundOrder", { bizRefundNo: fields.bizRefundNo });
    // 请求没有到达，原样再发 / it never arrived: the same again
    if (answer?.code === NO_SUCH_REFUND) answer = await call("refund", fields);
  }
  return fail("仍在处理中，请稍后再查 still in progress: query it later");
}

function must(answer) {
  return answer?.code === 0 ? answer.data : fail("未受理 not accepted");
}

// 号码先存库再发送，重启后仍用原号 / store the numbers before sending, so that a restart uses the same ones
const run = randomBytes(8).toString("hex");
const [bizOrderNo, bizRefundNo] = [`P${run}`, `R${run}`];

// 金额以分计算，发送时换算成元 / amounts are counted in fen, and sent in yuan
const yuan = (fen) => fen / 100;

must(await call("order/record", {
  bizOrderNo, outOrderNo: `SBX-${SANDBOX}-${run}`, channel: "sandbox", method: "qr_code",
  title: "茶 Tea", amount: yuan(1000), payTime: now(),
}));
must(await refund({ bizOrderNo, bizRefundNo, amount: yuan(250), reason: "凉了 cold" }));
const found = must(await call("query/refundOrder", { bizRefundNo }));
console.log("refund", found.bizRefundNo, found.status, found.amount);
