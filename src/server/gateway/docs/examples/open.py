# 服务商版（3.x）：登记一笔 10.00 元的订单，退 2.50 元，再查询这笔退款。
# Open edition: records an order of 10.00 yuan, refunds 2.50 of it, and queries the refund.
#
#     UNIPAY_URL=http://127.0.0.1:3000 UNIPAY_APP_ID=DEMO UNIPAY_SECRET=123456 python3 open.py

import hashlib
import hmac
import http.client
import json
import os
import re
import sys
import time
import urllib.request
import uuid
from datetime import datetime, timedelta, timezone

URL = os.environ.get("UNIPAY_URL", "http://127.0.0.1:3000")
APP_ID = os.environ.get("UNIPAY_APP_ID", "DEMO")
SECRET = os.environ.get("UNIPAY_SECRET", "123456")
SANDBOX = os.environ.get("UNIPAY_SANDBOX", "OK")  # 沙箱的退款结果 / how the sandbox treats the refund: OK, ASYNC, FAIL, ...

SERVER_ZONE = timezone(timedelta(hours=8))
UNDECIDED = {10500, 20043, 20060}  # 结果不明：内部错误、处理中、限流 / unknown: internal error, under way, over a limit
NO_SUCH_REFUND = 20041


def number(digits):
    """金额去掉末尾的零。 / Drops an amount's trailing zeros: 1.10 -> 1.1, 1.00 -> 1."""
    value = float(digits)
    return int(value) if value.is_integer() else value


def signed(value):
    """写出待签名文本中的值。 / Writes a value as it stands in the signed text."""
    if isinstance(value, str):
        return value
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    invisible = "[\u0080-\u00a0\u2000-\u2010\u2028-\u202f\u2066-\u206f]"
    return re.sub(invisible, lambda found: f"\\u{ord(found[0]):04x}", text)


def sign(fields):
    kept = sorted((name, value) for name, value in fields.items() if name != "sign" and value not in (None, ""))
    text = "&".join(f"{name}={signed(value)}" for name, value in kept)
    text = re.sub(r'["\\]', "", text) + f"&key={SECRET}"
    return hmac.new(SECRET.encode(), text.upper().encode(), hashlib.sha256).hexdigest()


def call(path, fields):
    """发送请求并验证应答的签名；结果不明时返回 None。 / Sends a request and verifies the answer; None: outcome unknown."""
    now = datetime.now(SERVER_ZONE).strftime("%Y-%m-%d %H:%M:%S")
    fields = {"appId": APP_ID, "reqTime": now, **fields}
    body = json.dumps({**fields, "sign": sign(fields)}).encode()
    request = urllib.request.Request(f"{URL}/unipay/{path}", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            answer = json.loads(response.read(), parse_float=number)
    except (OSError, http.client.HTTPException, ValueError) as error:
        print(f"{path}: 结果不明 unknown: {error}")
        return None
    if answer["code"] in UNDECIDED:
        print(f"{path}: 结果不明 unknown: {answer['code']} {answer['msg']}")
        return None
    if not hmac.compare_digest(sign(answer).encode(), str(answer.get("sign")).encode()):
        sys.exit(f"{path}: 应答验签失败 the answer's signature does not hold: {answer}")
    print(f"{path}: {answer['code']} {answer['msg']} {signed(answer.get('data'))}")
    return answer


def refund(fields):
    """退款直到有结果。超时或处理中只查询原号码，绝不换号。
    Refunds until there is an outcome. After a time-out and while in progress, the same number is queried, never a new one."""
    answer = call("refund", fields)
    for _ in range(30):
        # code 为 0 只表示受理，结果看 status / code 0 means accepted, the outcome is status
        if answer and (answer["code"] != 0 or answer["data"]["status"] != "progress"):
            return answer
        time.sleep(1)
        answer = call("query/refundOrder", {"bizRefundNo": fields["bizRefundNo"]})
        if answer and answer["code"] == NO_SUCH_REFUND:
            answer = call("refund", fields)  # 请求没有到达，原样再发 / it never arrived: the same again
    sys.exit("仍在处理中，请稍后再查 still in progress: query it later")


def must(answer):
    if not answer or answer["code"] != 0:
        sys.exit("未受理 not accepted")
    return answer["data"]


# 号码先存库再发送，重启后仍用原号 / store the numbers before sending, so that a restart uses the same ones
run = uuid.uuid4().hex[:16]
order_no, refund_no = f"P{run}", f"R{run}"

must(call("order/record", {
    "bizOrderNo": order_no, "outOrderNo": f"SBX-{SANDBOX}-{run}", "channel": "sandbox", "method": "qr_code",
    "title": "茶 Tea", "amount": number("10.00"),
    "payTime": datetime.now(SERVER_ZONE).strftime("%Y-%m-%d %H:%M:%S"),
}))
must(refund({"bizOrderNo": order_no, "bizRefundNo": refund_no, "amount": number("2.50"), "reason": "凉了 cold"}))
found = must(call("query/refundOrder", {"bizRefundNo": refund_no}))
print("refund", found["bizRefundNo"], found["status"], found["amount"])
