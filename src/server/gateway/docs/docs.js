// Signs and sends the requests of the page's forms. The secret stays in the browser.
"use strict";

const page = document.body.dataset;

/** Writes a value for the signed text. */
function text(value) {
  return typeof value === "object" ? compact(value) : String(value);
}

function compact(value) {
  if (Array.isArray(value)) return `[${value.map(compact).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const entries = Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${compact(value[key])}`);
  return `{${entries.join(",")}}`;
}

/** Returns the text that is signed. `nested` writes the values, which may be objects. */
function signedText(fields, edition, secret, nested = text) {
  const names = Object.keys(fields).filter((name) => name !== "sign" && fields[name] !== null && fields[name] !== "");
  const joined = names.sort().map((name) => `${name}=${nested(fields[name])}`).join("&");
  const whole = `${joined.replaceAll(/["\\]/g, "")}&key=${secret}`;
  return edition === "open" ? whole.toUpperCase() : whole;
}

async function hmac(whole, secret) {
  const bytes = (words) => new TextEncoder().encode(words);
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", bytes(secret), algorithm, false, ["sign"]);
  const digest = await crypto.subtle.sign("HMAC", key, bytes(whole));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Returns the present time in an edition's format. */
function now(edition) {
  if (edition === "single") return Math.floor(Date.now() / 1000);
  return new Date().toLocaleString("sv-SE", { timeZone: page.zone });
}

/** Verifies the answer's signature. Returns undefined for an answer without one. */
async function answerHolds(answer, edition, secret) {
  const signed = edition === "open" ? answer : answer.data;
  if (!signed?.sign) return undefined;
  const inOrder = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));
  return (await hmac(signedText(signed, edition, secret, inOrder), secret)) === signed.sign;
}

function show(output, lines) {
  output.replaceChildren(
    ...lines.map(([words, kind]) => {
      const element = document.createElement(kind === "pre" ? "pre" : "p");
      if (kind !== "pre") element.className = kind;
      element.textContent = words;
      return element;
    }),
  );
}

async function send(form) {
  const { edition, secret, body } = Object.fromEntries(new FormData(form));
  const output = form.querySelector("output");
  try {
    const fields = { ...JSON.parse(body), reqTime: now(edition) };
    const whole = signedText(fields, edition, secret);
    fields.sign = await hmac(whole, secret);
    const sent = JSON.stringify(fields);
    const response = await fetch(form.dataset.path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: sent,
    });
    const said = await response.text();
    const holds = await answerHolds(JSON.parse(said), edition, secret);
    show(output, [
      ["待签名文本 · signed text", ""],
      [secret ? whole.replace(/KEY=.*$/i, "key=…") : whole, "pre"],
      ["请求 · request", ""],
      [sent, "pre"],
      [`应答 · answer (HTTP ${response.status})`, ""],
      [said, "pre"],
      holds === undefined
        ? ["应答没有签名 · the answer is not signed", ""]
        : holds
          ? ["应答签名正确 · the answer's signature holds", "good"]
          : ["应答签名不正确 · the answer's signature does not hold", "bad"],
    ]);
  } catch (error) {
    show(output, [[String(error), "bad"]]);
  }
}

/** Fills a form with the example of its edition, paid for at the present time. */
function fill(form) {
  const edition = form.elements.edition.value;
  const example = JSON.parse(form.dataset[edition]);
  if ("payTime" in example) example.payTime = now(edition);
  form.elements.body.value = JSON.stringify(example, null, 2);
}

for (const form of document.querySelectorAll("form")) {
  form.hidden = false;
  form.elements.edition.addEventListener("change", () => fill(form));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form);
  });
  fill(form);
}
