#!/usr/bin/env bash
# 服务商版（3.x）：登记一笔 10.00 元的订单，退 2.50 元，再查询这笔退款。需要 bash 4.4、curl、openssl。
# Open edition: records an order of 10.00 yuan, refunds 2.50 of it, and queries the refund. Needs bash 4.4, curl, openssl.
#
#     UNIPAY_URL=http://127.0.0.1:3000 UNIPAY_APP_ID=DEMO UNIPAY_SECRET=123456 bash open.sh

set -euo pipefail
export LC_ALL=C.UTF-8

URL=${UNIPAY_URL:-http://127.0.0.1:3000}
APP_ID=${UNIPAY_APP_ID:-DEMO}
SECRET=${UNIPAY_SECRET:-123456}
SANDBOX=${UNIPAY_SANDBOX:-OK} # 沙箱的退款结果 / how the sandbox treats the refund: OK, ASYNC, FAIL, ...

UNDECIDED=' 10500 20043 20060 ' # 结果不明：内部错误、处理中、限流 / unknown: internal error, under way, over a limit
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

# 嵌套 JSON 里的不可见字符写成 \uXXXX / writes invisible characters of nested JSON as \uXXXX
escaped() {
    local text=$1 code hex char
    for code in {128..160} {8192..8208} {8232..8239} {8294..8303}; do
        printf -v hex %04x "$code"
        printf -v char "\\u$hex"
        text=${text//"$char"/"\\u$hex"}
    done
    printf %s "$text"
}

# 对 f 签名 / signs f
signature() {
    local name value text=
    for name in $(printf '%s\n' "${!f[@]}" | LC_ALL=C sort); do
        value=${f[$name]}
        case $value in
            null | '""') continue ;;
            '{'*) value=$(escaped "$value") ;;
            '"'*) printf -v value %b "$value" ;;
            # 小数去掉末尾的零 / a decimal loses its trailing zeros: 1.10 -> 1.1, 1.00 -> 1
            *.*) value=$(sed -E 's/0+$//; s/\.$//' <<<"$value") ;;
        esac
        [[ $name == sign ]] || text+="&$name=$value"
    done
    text=${text//[\"\\]/}
    text=${text#&}\&key=$SECRET
    text=${text^^}
    printf %s "${text//ß/SS}" | openssl dgst -sha256 -hmac "$SECRET" | sed 's/.* //'
}

now() { TZ=CST-8 date '+%F %T'; } # 服务器的时区 / the server's zone

# call 路径 字段=JSON值 ... 发送请求并验证应答的签名；此后 code 是状态码（空：结果不明），f 是 data。
# call PATH NAME=JSON ...   Sends a request and verifies the answer; then code is its code (empty: unknown), and f its data.
call() {
    local path=$1 pair answer
    shift
    f=([appId]="\"$APP_ID\"" [reqTime]="\"$(now)\"")
    for pair; do f[${pair%%=*}]=${pair#*=}; done
    f[sign]="\"$(signature)\""
    code=
    if ! answer=$(curl -fsS --max-time 10 -H 'Content-Type: application/json' -d "$(json)" "$URL/unipay/$path" 2>&1) ||
        ! parse "$answer"; then
        echo "$path: 结果不明 unknown: $answer"
    elif [[ $UNDECIDED == *" ${f[code]} "* ]]; then
        echo "$path: 结果不明 unknown: $answer"
    elif [[ $(signature) != "$(string sign)" ]]; then
        fail "$path: 应答验签失败 the answer's signature does not hold: $answer"
    else
        code=${f[code]}
        echo "$path: $code $(string msg) ${f[data]-}"
        parse "${f[data]-}" || true
    fi
}

# 退款直到有结果。超时或处理中只查询原号码，绝不换号。
# Refunds until there is an outcome. After a time-out and while in progress, the same number is queried, never a new one.
refund() {
    local number=bizRefundNo=$1 i
    shift
    call refund "$number" "$@"
    for i in {1..30}; do
        # code 为 0 只表示受理，结果看 status / code 0 means accepted, the outcome is status
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
    title='"茶 Tea"' amount=10.00 payTime="\"$(now)\""
must
refund "\"R$run\"" bizOrderNo="\"P$run\"" amount=2.50 reason='"凉了 cold"'
must
call query/refundOrder bizRefundNo="\"R$run\""
must
echo "refund $(string bizRefundNo) $(string status) $(string amount)"
