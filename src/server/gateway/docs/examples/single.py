# 单商户版（2.x）：登记一笔 10.00 元（1000 分）的订单，退 2.50 元（250 分），再查询这笔退款。
# Single edition: records an order of 10.00 yuan (1000 fen), refunds 2.50 (250 fen), and queries the refund.
#
#     UNIPAY_URL=http://127.0.0.1:3000 UNIPAY_SECRET=123456 python3 single.py

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

URL = os.environ.get("UNIPAY_URL", "http://127.0.0.1:3000")
SECRET = os.environ.get("UNIPAY_SECRET", "123456")
SANDBOX = os.environ.get("UNIPAY_SANDBOX", "OK")  # 沙箱的退款结果 / how the sandbox treats the refund: OK, ASYNC, FAIL, ...

UNDECIDED = {10007, 10500, 20043, 20060}  # 结果不明：重复操作、内部错误、处理中、限流 / unknown: repeated, internal error, under way, over a limit
NO_SUCH_REFUND = 20041


def sign(fields):
    kept = sorted((name, value) for name, value in fields.items() if name != "sign" and value not in (None, ""))
    text = "&".join(f"{name}={value}" for name, value in kept)
    text = re.sub(r'["\\]', "", text) + f"&key={SECRET}"
    return hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()


def call(path, fields):
    """发送请求，验证 data 内的签名，返回 data；结果不明时返回 None。
    Sends a request, verifies the signature in data, and returns data; None: outcome unknown."""
    fields = {"reqTime": int(time.time()), **fields}
    body = json.dumps({**fields, "sign": sign(fields)}).encode()
    request = urllib.request.Request(f"{URL}/unipay/{path}", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            answer = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        print(f"{path}: 结果不明 unknown: {error}")
        return None
    if answer["code"] in UNDECIDED:
        print(f"{path}: 结果不明 unknown: {answer['code']} {answer['msg']}")
        return None
    # 外层的拒绝（参数、签名、时钟）没有签名 / a refusal on the envelope (parameters, signature, clock) is not signed
    data = answer.get("data")
    if answer["code"] != 0 or data is None:
        sys.exit(f"{path}: 未受理 not accepted: {answer['code']} {answer['msg']}")
    if not hmac.compare_digest(sign(data).encode(), str(data.get("sign")).encode()):
        sys.exit(f"{path}: 应答验签失败 the answer's signature does not hold: {answer}")
    print(f"{path}: {data['code']} {json.dumps(data, ensure_ascii=False)}")
    return None if data["code"] in UNDECIDED else data


def refund(fields):
    """退款直到有结果。超时或处理中只查询原号码，绝不换号。
    Refunds until there is an outcome. After a time-out and while in progress, the same number is queried, never a new one."""
    data = call("refund", fields)
    for _ in range(30):
        # data.code 为 0 只表示受理，结果看 status / data.code 0 means accepted, the outcome is status
        if data and (data["code"] != 0 or data["status"] != "progress"):
            return data
        time.sleep(1)
        data = call("query/refundOrder", {"bizRefundNo": fields["bizRefundNo"]})
        if data and data["code"] == NO_SUCH_REFUND:
            data = call("refund", fields)  # 请求没有到达，原样再发 / it never arrived: the same again
    sys.exit("仍在处理中，请稍后再查 still in progress: query it later")


def must(data):
    if not data or data["code"] != 0:
        sys.exit("未受理 not accepted")
    return data


# 号码先存库再发送，重启后仍用原号 / store the numbers before sending, so that a restart uses the same ones
run = uuid.uuid4().hex[:16]
order_no, refund_no = f"P{run}", f"R{run}"

must(call("order/record", {
    "bizOrderNo": order_no, "outOrderNo": f"SBX-{SANDBOX}-{run}", "channel": "sandbox", "method": "qr_code",
    "title": "茶 Tea", "amount": 1000, "payTime": int(time.time()),
}))
must(refund({"bizOrderNo": order_no, "bizRefundNo": refund_no, "amount": 250, "reason": "凉了 cold"}))
found = must(call("query/refundOrder", {"bizRefundNo": refund_no}))
print("refund", found["bizRefundNo"], found["status"], found["amount"])
