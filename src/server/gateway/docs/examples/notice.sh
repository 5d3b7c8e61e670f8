#!/usr/bin/env bash
# 验证一条退款通知（两种协议版本），通知在标准输入。需要 bash 4.4、openssl。
# Verifies one notice of a refund, of either edition, from the standard input. Needs bash 4.4, openssl.
#
#     UNIPAY_SECRET=123456 bash notice.sh <notice.json
#
# 它就是一个 CGI 程序：放在会运行 CGI 的服务器后面（nginx + fcgiwrap、Apache、lighttpd、busybox httpd），notifyUrl 指向它。
# It is a CGI program: put it behind a server that runs those (nginx with fcgiwrap, Apache, lighttpd, busybox httpd), and let
# notifyUrl name it.

set -euo pipefail
export LC_ALL=C.UTF-8

SECRET=${UNIPAY_SECRET:-123456}
HANDLED=${UNIPAY_HANDLED:-/tmp/unipay-handled}
BODY_BYTES_MAX=65536

answer() { # answer STATUS TEXT
    printf 'Status: %s\r\nContent-Type: text/plain\r\n\r\n%s' "$1" "$2"
}

refuse() {
    echo "refused $*" >&2
    answer '400 Bad Request' FAIL
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

# 去掉字符串的引号和转义 / takes quotes and escapes off a string
string() {
    local text=${f[$1]-}
    text=${text#\"}
    printf %b "${text%\"}"
}

# 小数去掉末尾的零 / drops a decimal's trailing zeros: 1.10 -> 1.1, 1.00 -> 1
plain() {
    if [[ $1 == [0-9]*.* ]]; then sed -E 's/0+$//; s/\.$//' <<<"$1"; else printf %s "$1"; fi
}

# 嵌套的 data：字段按名排序（不分大小写），不可见字符写成 \uXXXX
# Nested data: its fields sorted by name, ignoring case, and invisible characters as \uXXXX
nested() {
    local name text= code hex char
    parse "$1"
    for name in $(printf '%s\n' "${!f[@]}" | LC_ALL=C sort -f); do
        [[ ${f[$name]} == null ]] || text+=",\"$name\":$(plain "${f[$name]}")"
    done
    for code in {128..160} {8192..8208} {8232..8239} {8294..8303}; do
        printf -v hex %04x "$code"
        printf -v char "\\u$hex"
        text=${text//"$char"/"\\u$hex"}
    done
    printf '{%s}' "${text#,}"
}

# 对 f 签名 / signs f
signature() {
    local name value text=
    for name in $(printf '%s\n' "${!f[@]}" | LC_ALL=C sort); do
        value=${f[$name]}
        case $value in
            null | '""') continue ;;
            '{'*) value=$(nested "$value") ;;
            '"'*) printf -v value %b "$value" ;;
            *) value=$(plain "$value") ;;
        esac
        [[ $name == sign ]] || text+="&$name=$value"
    done
    text=${text//[\"\\]/}
    text=${text#&}\&key=$SECRET
    # 服务商版的时间是字符串，签名前整段转大写 / the open edition writes times as strings, and upper-cases the whole text
    if [[ ${f[resTime]-} == '"'* ]]; then text=${text^^} text=${text//ß/SS}; fi
    printf %s "$text" | openssl dgst -sha256 -hmac "$SECRET" | sed 's/.* //'
}

length=${CONTENT_LENGTH:-$BODY_BYTES_MAX}
((length <= BODY_BYTES_MAX)) || refuse '太长 too long'
body=$(head -c "$length")
parse "$body" || refuse '无法解析 unreadable'
[[ $(signature) == "$(string sign)" ]] || refuse '验签失败 the signature does not hold'
if [[ -v f[data] ]]; then parse "${f[data]}"; fi
[[ $(string refundNo) =~ ^[A-Za-z0-9]+$ && $(string status) =~ ^[a-z]+$ ]] || refuse '没有退款号 no refundNo'

# 同一通知可能来多次，只处理一次，都答 SUCCESS。正式环境用数据库唯一键，与入账同一事务，入账以查询该退款的结果为准。
# A notice may come again: it is handled once and always answered. In production a unique key in the database, in the
# transaction that books the refund, as a query of it tells it.
mkdir -p "$HANDLED"
key=$HANDLED/$(string refundNo)-$(string status)
if mkdir "$key" 2>/dev/null; then
    seen=notice
elif [[ -d $key ]]; then
    seen=repeat
else
    answer '500 Internal Server Error' FAIL
    exit 1
fi
echo "$seen $(string refundNo) $(string bizRefundNo) $(string status) $(string amount)" >&2
answer '200 OK' SUCCESS
