#!/usr/bin/env bash
# 单商户版（2.x）：登记一笔 10.00 元（1000 分）的订单，退 2.50 元（250 分），再查询这笔退款。需要 bash 4.4、curl、openssl。
# Single edition: records an order of 10.00 yuan (1000 fen), refunds 2.50 (250 fen), and queries the refund. Needs bash 4.4, curl,
# openssl.
#
#     UNIPAY_URL=http://127.0.0.1:3000 UNIPAY_SECRET=123456 bash single.sh

set -euo pipefail
export LC_ALL=C.UTF-8

URL=${UNIPAY_URL:-http://127.0.0.1:3000}
SECRET=${UNIPAY_SECRET:-123456}
SANDBOX=${UNIPAY_SANDBOX:-OK} # 沙箱的退款结果 / how the sandbox treats the refund: OK, ASYNC, FAIL, ...

# 结果不明：重复操作、内部错误、处理中、限流 / unknown: repeated, internal error, under way, over a limit
UNDECIDED=' 10007 10500 20043 20060 '
NO_SUCH_REFUND=20041

fail() {
    echo "$*" >&2
    exit 1
}

# JSON 对象的一层：字段名 → 原样的值，字符串带引号 / one level of a JSON object: name → value as it stands, strings quoted
declare -A f
STRING='"([^"\\]|\\.)*"'
FIELD="^[{,]\"([A-Za-z0-9]+)\":($STRING|\{($STRING|[^\"{}])*\}|[^]\"{}[,]+)"

parse() {
    local rest=$1
    f=()
    while [[ $rest =~ $FIELD ]]; do
        f[${BASH_REMATCH[1]}]=${BASH_REMATCH[2]}
        rest=${rest:${#BASH_REMATCH[0]}}
    done
    [[ $rest == '}' ]]
}

json() {
    local name text=
    for name in "${!f[@]}"; do text+=",\"$name\":${f[$name]}"; done
    printf '{%s}' "${text#,}"
}

# 去掉字符串的引号和转义 / takes quotes and escapes off a string
string() {
    local text=${f[$1]-}
    text=${text#\"}
    printf %b "${text%\"}"
}

# 对 f 签名 / signs f
signature() {
    local name value text=
    for name in $(printf '%s\n' "${!f[@]}" | LC_ALL=C sort); do
        value=${f[$name]}
        case $value in
            null | '""') continue ;;
            '"'*) printf -v value %b "$value" ;;
        esac
        [[ $name == sign ]] || text+="&$name=$value"
    done
    text=${text//[\"\\]/}
    printf %s "${text#&}&key=$SECRET" | openssl dgst -sha256 -hmac "$SECRET" | sed 's/.* //'
}

# call 路径 字段=JSON值 ... 发送请求并验证 data 内的签名；此后 f 是 data，code 是其状态码（空：结果不明）。
# call PATH NAME=JSON ...   Sends a request and verifies the signature in data; then f is data, and code its code (empty: unknown).
call() {
    local path=$1 pair answer data
    shift
    f=([reqTime]=$(date +%s))
    for pair; do f[${pair%%=*}]=${pair#*=}; done
    f[sign]="\"$(signature)\""
    code=
    if ! answer=$(curl -fsS --max-time 10 -H 'Content-Type: application/json' -d "$(json)" "$URL/unipay/$path" 2>&1) ||
        ! parse "$answer" || [[ $UNDECIDED == *" ${f[code]} "* ]]; then
        echo "$path: 结果不明 unknown: $answer"
        return
    fi
    # 外层的拒绝（参数、签名、时钟）没有签名 / a refusal on the envelope (parameters, signature, clock) is not signed
    data=${f[data]-null}
    if [[ ${f[code]} != 0 ]] || ! parse "$data"; then fail "$path: 未受理 not accepted: $answer"; fi
    [[ $(signature) == "$(string sign)" ]] || fail "$path: 应答验签失败 the answer's signature does not hold: $answer"
    echo "$path: ${f[code]} $data"
    if [[ $UNDECIDED != *" ${f[code]} "* ]]; then code=${f[code]}; fi
}

# 退款直到有结果。超时或处理中只查询原号码，绝不换号。
# Refunds until there is an outcome. After a time-out and while in progress, the same number is queried, never a new one.
refund() {
    local number=bizRefundNo=$1 i
    shift
    call refund "$number" "$@"
    for i in {1..30}; do
        # data.code 为 0 只表示受理，结果看 status / data.code 0 means accepted, the outcome is status
        if [[ $code && ($code != 0 || $(string status) != progress) ]]; then return; fi
        sleep 1
        call query/refundOrder "$number"
        # 请求没有到达，原样再发 / it never arrived: the same again
        if [[ $code == "$NO_SUCH_REFUND" ]]; then call refund "$number" "$@"; fi
    done
    fail '仍在处理中，请稍后再查 still in progress: query it later'
}

must() { [[ $code == 0 ]] || fail '未受理 not accepted'; }

# 号码先存库再发送，重启后仍用原号 / store the numbers before sending, so that a restart uses the same ones
run=$(openssl rand -hex 8)

call order/record bizOrderNo="\"P$run\"" outOrderNo="\"SBX-$SANDBOX-$run\"" channel='"sandbox"' method='"qr_code"' \
    title='"茶 Tea"' amount=1000 payTime="$(date +%s)"
must
refund "\"R$run\"" bizOrderNo="\"P$run\"" amount=250 reason='"凉了 cold"'
must
call query/refundOrder bizRefundNo="\"R$run\""
must
echo "refund $(string bizRefundNo) $(string status) $(string amount)"
