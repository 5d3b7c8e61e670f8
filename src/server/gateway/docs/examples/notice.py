# 接收退款通知，两种协议版本都验签。 / Receives notices of refunds, and verifies those of both editions.
#
#     UNIPAY_SECRET=123456 python3 notice.py 8000      # notifyUrl: http://127.0.0.1:8000/

import hashlib
import hmac
import json
import os
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = os.environ.get("UNIPAY_SECRET", "123456")
PORT = int(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("PORT", "8000"))
BODY_BYTES_MAX = 64 * 1024

# 已处理的通知。正式环境用数据库唯一键，与入账同一事务，入账以查询该退款的结果为准。
# The handled notices. In production a unique key in the database, in the transaction that books the refund, as a query of
# it tells it.
handled = {}


def number(digits):
    value = float(digits)
    return int(value) if value.is_integer() else value


def signed(value):
    """写出待签名文本中的值；data 按字段名排序，不分大小写。
    Writes a value as it stands in the signed text; data has its fields sorted by name, ignoring case."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        value = {name: value[name] for name in sorted(value, key=str.lower) if value[name] is not None}
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    invisible = "[\u0080-\u00a0\u2000-\u2010\u2028-\u202f\u2066-\u206f]"
    return re.sub(invisible, lambda found: f"\\u{ord(found[0]):04x}", text)


def sign(fields, is_open):
    kept = sorted((name, value) for name, value in fields.items() if name != "sign" and value not in (None, ""))
    text = "&".join(f"{name}={signed(value)}" for name, value in kept)
    text = re.sub(r'["\\]', "", text) + f"&key={SECRET}"
    return hmac.new(SECRET.encode(), (text.upper() if is_open else text).encode(), hashlib.sha256).hexdigest()


def refund_of(body):
    """验签并取出退款。 / Verifies a notice and returns its refund."""
    notice = json.loads(body, parse_float=number)
    is_open = isinstance(notice["resTime"], str)  # 服务商版的时间是字符串 / the open edition writes times as strings
    if not hmac.compare_digest(sign(notice, is_open).encode(), str(notice["sign"]).encode()):
        raise ValueError("验签失败 the signature does not hold")
    refund = notice["data"] if is_open else notice
    return {name: refund[name] for name in ("refundNo", "bizRefundNo", "status", "amount")}


class Receiver(BaseHTTPRequestHandler):
    timeout = 5

    def do_POST(self):
        try:
            length = int(self.headers["Content-Length"])
            if not 0 < length <= BODY_BYTES_MAX:
                raise ValueError("长度不对 wrong length")
            refund = refund_of(self.rfile.read(length))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            print("refused", repr(error), flush=True)
            self.answer(400, "FAIL")
            return
        # 同一通知可能来多次，只处理一次，都答 SUCCESS / a notice may come again: it is handled once and always answered
        mine = object()
        new = handled.setdefault((refund["refundNo"], refund["status"]), mine) is mine
        print("notice" if new else "repeat", *refund.values(), flush=True)
        self.answer(200, "SUCCESS")

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", PORT), Receiver)
print(f"listening on 127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
