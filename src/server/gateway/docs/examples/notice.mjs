// 接收退款通知，两种协议版本都验签。 / Receives notices of refunds, and verifies those of both editions.
//
//     UNIPAY_SECRET=123456 node notice.mjs 8000      # notifyUrl: http://127.0.0.1:8000/

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const SECRET = process.env.UNIPAY_SECRET ?? "123456";
const PORT = Number(process.argv[2] ?? process.env.PORT ?? 8000);
const BODY_BYTES_MAX = 64 * 1024;
const INVISIBLE = /[\u0080-\u00a0\u2000-\u2010\u2028-\u202f\u2066-\u206f]/g;

// 已处理的通知。正式环境用数据库唯一键，与入账同一事务，入账以查询该退款的结果为准。
// The handled notices. In production a unique key in the database, in the transaction that books the refund, as a query of
// it tells it.
const handled = new Set();

/**
 * 写出待签名文本中的值；data 按字段名排序，不分大小写。
 * Writes a value as it stands in the signed text; data has its fields sorted by name, ignoring case.
 */
function signed(value) {
  if (typeof value === "string") return value;
  if (typeof value === "object") {
    const names = Object.keys(value).filter((name) => value[name] !== null);
    names.sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
    value = Object.fromEntries(names.map((name) => [name, value[name]]));
  }
  const escaped = (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replace(INVISIBLE, escaped);
}

function sign(fields, isOpen) {
  const names = Object.keys(fields).filter((name) => name !== "sign" && fields[name] != null && fields[name] !== "");
  const joined = names.sort().map((name) => `${name}=${signed(fields[name])}`).join("&");
  const text = `${joined.replace(/["\\]/g, "")}&key=${SECRET}`;
  return createHmac("sha256", SECRET).update(isOpen ? text.toUpperCase() : text).digest("hex");
}

function same(ours, theirs) {
  const [a, b] = [Buffer.from(ours), Buffer.from(String(theirs))];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** 验签并取出退款。 / Verifies a notice and returns its refund. */
function refundOf(body) {
  const notice = JSON.parse(body);
  const isOpen = typeof notice.resTime === "string"; // 服务商版的时间是字符串 / the open edition writes times as strings
  if (!same(sign(notice, isOpen), notice.sign)) throw new Error("验签失败 the signature does not hold");
  const refund = isOpen ? notice.data : notice;
  if (typeof refund?.refundNo !== "string") throw new Error("没有退款号 no refundNo");
  return refund;
}

async function read(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new Error("太长 too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

const server = createServer(async (request, response) => {
  try {
    const { refundNo, bizRefundNo, status, amount } = refundOf(await read(request));
    // 同一通知可能来多次，只处理一次，都答 SUCCESS / a notice may come again: it is handled once and always answered
    const key = `${refundNo} ${status}`;
    console.log(handled.has(key) ? "repeat" : "notice", refundNo, bizRefundNo, status, amount);
    handled.add(key);
    response.end("SUCCESS");
  } catch (error) {
    console.log("refused", String(error));
    response.writeHead(400).end("FAIL");
  }
});
server.listen(PORT, "127.0.0.1", () => console.log(`listening on 127.0.0.1:${server.address().port}`));
