<?php
// 单商户版（2.x）：登记一笔 10.00 元（1000 分）的订单，退 2.50 元（250 分），再查询这笔退款。
// Single edition: records an order of 10.00 yuan (1000 fen), refunds 2.50 (250 fen), and queries the refund.
//
//     UNIPAY_URL=http://127.0.0.1:3000 UNIPAY_SECRET=123456 php single.php

declare(strict_types=1);

define('URL', getenv('UNIPAY_URL') ?: 'http://127.0.0.1:3000');
define('SECRET', getenv('UNIPAY_SECRET') ?: '123456');
define('SANDBOX', getenv('UNIPAY_SANDBOX') ?: 'OK'); // 沙箱的退款结果 / how the sandbox treats the refund: OK, ASYNC, FAIL, ...

// 结果不明：重复操作、内部错误、处理中、限流 / unknown: repeated, internal error, under way, over a limit
const UNDECIDED = [10007, 10500, 20043, 20060];
const NO_SUCH_REFUND = 20041;

function fail(string $text): never
{
    fwrite(STDERR, "$text\n");
    exit(1);
}

function sign(array $fields): string
{
    unset($fields['sign']);
    ksort($fields, SORT_STRING);
    $pairs = [];
    foreach ($fields as $name => $value) {
        if ($value !== null && $value !== '') {
            $pairs[] = "$name=$value";
        }
    }
    $text = str_replace(['"', '\\'], '', implode('&', $pairs)) . '&key=' . SECRET;
    return hash_hmac('sha256', $text, SECRET);
}

/**
 * 发送请求，验证 data 内的签名，返回 data；结果不明时返回 null。
 * Sends a request, verifies the signature in data, and returns data; null: outcome unknown.
 */
function call(string $path, array $fields): ?array
{
    $fields += ['reqTime' => time()];
    $fields['sign'] = sign($fields);
    $http = ['method' => 'POST', 'header' => 'Content-Type: application/json', 'content' => json_encode($fields), 'timeout' => 10];
    $said = @file_get_contents(URL . "/unipay/$path", false, stream_context_create(['http' => $http]));
    $answer = json_decode((string) $said, true);
    if (!isset($answer['code']) || in_array($answer['code'], UNDECIDED, true)) {
        echo "$path: 结果不明 unknown: ", $said ?: error_get_last()['message'], "\n";
        return null;
    }
    // 外层的拒绝（参数、签名、时钟）没有签名 / a refusal on the envelope (parameters, signature, clock) is not signed
    $data = $answer['data'] ?? null;
    if ($answer['code'] !== 0 || !$data) {
        fail("$path: 未受理 not accepted: $said");
    }
    if (!hash_equals(sign($data), (string) ($data['sign'] ?? ''))) {
        fail("$path: 应答验签失败 the answer's signature does not hold: $said");
    }
    echo "$path: {$data['code']} ", json_encode($data, JSON_UNESCAPED_UNICODE), "\n";
    return in_array($data['code'], UNDECIDED, true) ? null : $data;
}

/**
 * 退款直到有结果。超时或处理中只查询原号码，绝不换号。
 * Refunds until there is an outcome. After a time-out and while in progress, the same number is queried, never a new one.
 */
function refund(array $fields): array
{
    $data = call('refund', $fields);
    for ($i = 0; $i < 30; $i++) {
        // data.code 为 0 只表示受理，结果看 status / data.code 0 means accepted, the outcome is status
        if ($data && ($data['code'] !== 0 || $data['status'] !== 'progress')) {
            return $data;
        }
        sleep(1);
        $data = call('query/refundOrder', ['bizRefundNo' => $fields['bizRefundNo']]);
        if ($data && $data['code'] === NO_SUCH_REFUND) {
            $data = call('refund', $fields); // 请求没有到达，原样再发 / it never arrived: the same again
        }
    }
    fail('仍在处理中，请稍后再查 still in progress: query it later');
}

function must(?array $data): array
{
    return $data && $data['code'] === 0 ? $data : fail('未受理 not accepted');
}

// 号码先存库再发送，重启后仍用原号 / store the numbers before sending, so that a restart uses the same ones
$run = bin2hex(random_bytes(8));
[$orderNo, $refundNo] = ["P$run", "R$run"];

must(call('order/record', [
    'bizOrderNo' => $orderNo, 'outOrderNo' => 'SBX-' . SANDBOX . "-$run", 'channel' => 'sandbox', 'method' => 'qr_code',
    'title' => '茶 Tea', 'amount' => 1000, 'payTime' => time(),
]));
must(refund(['bizOrderNo' => $orderNo, 'bizRefundNo' => $refundNo, 'amount' => 250, 'reason' => '凉了 cold']));
$found = must(call('query/refundOrder', ['bizRefundNo' => $refundNo]));
echo "refund {$found['bizRefundNo']} {$found['status']} {$found['amount']}\n";
