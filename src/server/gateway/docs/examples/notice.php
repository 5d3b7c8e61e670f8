<?php
// 接收退款通知，两种协议版本都验签。 / Receives notices of refunds, and verifies those of both editions.
//
//     UNIPAY_SECRET=123456 php -S 127.0.0.1:8000 notice.php      # notifyUrl: http://127.0.0.1:8000/

declare(strict_types=1);
ini_set('serialize_precision', '-1'); // 数字没有末尾的零 / numbers have no trailing zeros: 1.10 -> 1.1, 1.00 -> 1

define('SECRET', getenv('UNIPAY_SECRET') ?: '123456');
define('HANDLED', getenv('UNIPAY_HANDLED') ?: sys_get_temp_dir() . '/unipay-handled');
const BODY_BYTES_MAX = 65536;
const JSON_FLAGS = JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_LINE_TERMINATORS;

/**
 * 写出待签名文本中的值；data 按字段名排序，不分大小写。
 * Writes a value as it stands in the signed text; data has its fields sorted by name, ignoring case.
 */
function signed(mixed $value): string
{
    if (is_string($value)) {
        return $value;
    }
    if (is_array($value)) {
        $value = array_filter($value, fn (mixed $one): bool => $one !== null);
        ksort($value, SORT_STRING | SORT_FLAG_CASE);
    }
    $invisible = '/[\x{80}-\x{a0}\x{2000}-\x{2010}\x{2028}-\x{202f}\x{2066}-\x{206f}]/u';
    // 不带标志的 json_encode 把字符写成 \uXXXX / json_encode without flags writes a character as \uXXXX
    $escaped = fn (array $found): string => trim(json_encode($found[0]), '"');
    return preg_replace_callback($invisible, $escaped, json_encode($value, JSON_FLAGS));
}

/** 整段转大写；é 一类字母需要 php-mbstring，汉字不需要。 / Upper-cases; letters like é need php-mbstring, Chinese does not. */
function upper(string $text): string
{
    return function_exists('mb_strtoupper') ? mb_strtoupper($text, 'UTF-8') : strtoupper($text);
}

function sign(array $fields, bool $isOpen): string
{
    unset($fields['sign']);
    ksort($fields, SORT_STRING);
    $pairs = [];
    foreach ($fields as $name => $value) {
        if ($value !== null && $value !== '') {
            $pairs[] = "$name=" . signed($value);
        }
    }
    $text = str_replace(['"', '\\'], '', implode('&', $pairs)) . '&key=' . SECRET;
    return hash_hmac('sha256', $isOpen ? upper($text) : $text, SECRET);
}

/** 验签并取出退款。 / Verifies a notice and returns its refund. */
function refund_of(string $body): array
{
    $notice = json_decode($body, true, 4, JSON_THROW_ON_ERROR);
    if (!is_array($notice)) {
        throw new UnexpectedValueException('无法解析 unreadable');
    }
    $isOpen = is_string($notice['resTime'] ?? null); // 服务商版的时间是字符串 / the open edition writes times as strings
    if (!hash_equals(sign($notice, $isOpen), (string) ($notice['sign'] ?? ''))) {
        throw new UnexpectedValueException('验签失败 the signature does not hold');
    }
    $refund = $isOpen ? $notice['data'] : $notice;
    if (!preg_match('/^[A-Za-z0-9]+ [a-z]+$/D', ($refund['refundNo'] ?? '') . ' ' . ($refund['status'] ?? ''))) {
        throw new UnexpectedValueException('没有退款号 no refundNo');
    }
    return $refund;
}

try {
    $refund = refund_of((string) file_get_contents('php://input', length: BODY_BYTES_MAX));
} catch (JsonException | UnexpectedValueException $error) {
    error_log('refused ' . $error->getMessage());
    http_response_code(400);
    exit('FAIL');
}

// 同一通知可能来多次，只处理一次，都答 SUCCESS。正式环境用数据库唯一键，与入账同一事务，入账以查询该退款的结果为准。
// A notice may come again: it is handled once and always answered. In production a unique key in the database, in the
// transaction that books the refund, as a query of it tells it.
$key = HANDLED . "/{$refund['refundNo']}-{$refund['status']}";
$new = @mkdir($key, recursive: true);
if (!$new && !is_dir($key)) {
    http_response_code(500);
    exit('FAIL');
}
error_log(($new ? 'notice' : 'repeat') . " {$refund['refundNo']} {$refund['bizRefundNo']} {$refund['status']} {$refund['amount']}");
echo 'SUCCESS';
