<?php
// 服务商版（3.x）：登记一笔 10.00 元的订单，退 2.50 元，再查询这笔退款。
// Open edition: records an order of 10.00 yuan, refunds 2.50 of it, and queries the refund.
//
//     UNIPAY_URL=http://127.0.0.1:3000 UNIPAY_APP_ID=DEMO UNIPAY_SECRET=123456 php open.php

declare(strict_types=1);
ini_set('serialize_precision', '-1'); // 数字没有末尾的零 / numbers have no trailing zeros: 1.10 -> 1.1, 1.00 -> 1

define('URL', getenv('UNIPAY_URL') ?: 'http://127.0.0.1:3000');
define('APP_ID', getenv('UNIPAY_APP_ID') ?: 'DEMO');
define('SECRET', getenv('UNIPAY_SECRET') ?: '123456');
define('SANDBOX', getenv('UNIPAY_SANDBOX') ?: 'OK'); // 沙箱的退款结果 / how the sandbox treats the refund: OK, ASYNC, FAIL, ...

const UNDECIDED = [10500, 20043, 20060]; // 结果不明：内部错误、处理中、限流 / unknown: internal error, under way, over a limit
const NO_SUCH_REFUND = 20041;
const JSON_FLAGS = JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_LINE_TERMINATORS;

function fail(string $text): never
{
    fwrite(STDERR, "$text\n");
    exit(1);
}

/** 写出待签名文本中的值。 / Writes a value as it stands in the signed text. */
function signed(mixed $value): string
{
    if (is_string($value)) {
        return $value;
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

function sign(array $fields): string
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
    return hash_hmac('sha256', upper($text), SECRET);
}

function now(): string
{
    return (new DateTime('now', new DateTimeZone('Asia/Shanghai')))->format('Y-m-d H:i:s');
}

/** 发送请求并验证应答的签名；结果不明时返回 null。 / Sends a request and verifies the answer; null: outcome unknown. */
function call(string $path, array $fields): ?array
{
    $fields += ['appId' => APP_ID, 'reqTime' => now()];
    $fields['sign'] = sign($fields);
    $body = json_encode($fields, JSON_FLAGS);
    $http = ['method' => 'POST', 'header' => 'Content-Type: application/json', 'content' => $body, 'timeout' => 10];
    $said = @file_get_contents(URL . "/unipay/$path", false, stream_context_create(['http' => $http]));
    // 内层保持为对象，以保持字段顺序 / objects within stay objects, in the order of their fields
    $answer = get_object_vars(json_decode((string) $said) ?? (object) []);
    if (!isset($answer['code']) || in_array($answer['code'], UNDECIDED, true)) {
        echo "$path: 结果不明 unknown: ", $said ?: error_get_last()['message'], "\n";
        return null;
    }
    if (!hash_equals(sign($answer), (string) ($answer['sign'] ?? ''))) {
        fail("$path: 应答验签失败 the answer's signature does not hold: $said");
    }
    echo "$path: {$answer['code']} {$answer['msg']} ", signed($answer['data']), "\n";
    return $answer;
}

/**
 * 退款直到有结果。超时或处理中只查询原号码，绝不换号。
 * Refunds until there is an outcome. After a time-out and while in progress, the same number is queried, never a new one.
 */
function refund(array $fields): array
{
    $answer = call('refund', $fields);
    for ($i = 0; $i < 30; $i++) {
        // code 为 0 只表示受理，结果看 status / code 0 means accepted, the outcome is status
        if ($answer && ($answer['code'] !== 0 || $answer['data']->status !== 'progress')) {
            return $answer;
        }
        sleep(1);
        $answer = call('query/refundOrder', ['bizRefundNo' => $fields['bizRefundNo']]);
        if ($answer && $answer['code'] === NO_SUCH_REFUND) {
            $answer = call('refund', $fields); // 请求没有到达，原样再发 / it never arrived: the same again
        }
    }
    fail('仍在处理中，请稍后再查 still in progress: query it later');
}

function must(?array $answer): object
{
    return $answer && $answer['code'] === 0 ? $answer['data'] : fail('未受理 not accepted');
}

// 号码先存库再发送，重启后仍用原号 / store the numbers before sending, so that a restart uses the same ones
$run = bin2hex(random_bytes(8));
[$orderNo, $refundNo] = ["P$run", "R$run"];

must(call('order/record', [
    'bizOrderNo' => $orderNo, 'outOrderNo' => 'SBX-' . SANDBOX . "-$run", 'channel' => 'sandbox', 'method' => 'qr_code',
    'title' => '茶 Tea', 'amount' => 10.00, 'payTime' => now(),
]));
must(refund(['bizOrderNo' => $orderNo, 'bizRefundNo' => $refundNo, 'amount' => 2.50, 'reason' => '凉了 cold']));
$found = must(call('query/refundOrder', ['bizRefundNo' => $refundNo]));
echo "refund $found->bizRefundNo $found->status $found->amount\n";
