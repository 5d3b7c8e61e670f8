// 服务商版（3.x）：登记一笔 10.00 元的订单，退 2.50 元，再查询这笔退款。
// Open edition: records an order of 10.00 yuan, refunds 2.50 of it, and queries the refund.
//
//     UNIPAY_URL=http://127.0.0.1:3000 UNIPAY_APP_ID=DEMO UNIPAY_SECRET=123456 java -Dfile.encoding=UTF-8 Open.java
// JDK 17；JDK 18 起不需要 -Dfile.encoding / JDK 17; from JDK 18 on -Dfile.encoding is not needed

import java.io.IOException;
import java.math.BigDecimal;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

import static java.nio.charset.StandardCharsets.UTF_8;

class Open {
    static final String URL = env("UNIPAY_URL", "http://127.0.0.1:3000");
    static final String APP_ID = env("UNIPAY_APP_ID", "DEMO");
    static final String SECRET = env("UNIPAY_SECRET", "123456");
    // 沙箱的退款结果 / how the sandbox treats the refund: OK, ASYNC, FAIL, ...
    static final String SANDBOX = env("UNIPAY_SANDBOX", "OK");

    // 结果不明：内部错误、处理中、限流 / unknown: internal error, under way, over a limit
    static final Set<String> UNDECIDED = Set.of("10500", "20043", "20060");
    static final String NO_SUCH_REFUND = "20041";

    static final HttpClient HTTP = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    static String env(String name, String otherwise) {
        return System.getenv().getOrDefault(name, otherwise);
    }

    static RuntimeException fail(String text) {
        System.err.println(text);
        System.exit(1);
        return new IllegalStateException();
    }

    static final String STRING = "\"(?:[^\"\\\\]++|\\\\.)*+\"";
    static final Pattern FIELD = Pattern.compile(
        "\\G[{,]\"(\\w+)\":(" + STRING + "|\\{(?:" + STRING + "|[^\"{}]++)*+\\}|[^\"{}\\[\\],]++)");
    static final Pattern ESCAPE = Pattern.compile("\\\\(?:u([0-9a-fA-F]{4})|(.))");
    static final Pattern INVISIBLE = Pattern.compile("[\\u0080-\\u00a0\\u2000-\\u2010\\u2028-\\u202f\\u2066-\\u206f]");

    /** 拆开 JSON 对象的一层：字段名 → 原样的值。 / Splits one level of a compact JSON object: name → value as it stands. */
    static TreeMap<String, String> fields(String json) {
        var fields = new TreeMap<String, String>();
        Matcher field = FIELD.matcher(json);
        int end = 0;
        for (; field.find(); end = field.end()) fields.put(field.group(1), field.group(2));
        if (!json.substring(end).equals("}")) throw new IllegalArgumentException("无法解析 unreadable: " + json);
        return fields;
    }

    static String quoted(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }

    static String unquoted(String json) {
        return ESCAPE.matcher(json.substring(1, json.length() - 1)).replaceAll(found -> {
            if (found.group(1) != null) return Matcher.quoteReplacement("" + (char) Integer.parseInt(found.group(1), 16));
            int control = "bfnrt".indexOf(found.group(2));
            return control < 0 ? Matcher.quoteReplacement(found.group(2)) : "\b\f\n\r\t".substring(control, control + 1);
        });
    }

    /** 写出待签名文本中的值。 / Writes a value as it stands in the signed text. */
    static String signed(String json) {
        return switch (json.charAt(0)) {
            case '"' -> unquoted(json);
            case '{' -> INVISIBLE.matcher(json).replaceAll(found -> String.format("\\\\u%04x", (int) found.group().charAt(0)));
            case 'n' -> ""; // null
            case 't', 'f' -> json;
            // 小数去掉末尾的零 / a decimal loses its trailing zeros: 1.10 -> 1.1, 1.00 -> 1
            default -> new BigDecimal(json).stripTrailingZeros().toPlainString();
        };
    }

    static String sign(TreeMap<String, String> fields) throws Exception {
        var pairs = new StringJoiner("&");
        fields.forEach((name, json) -> {
            String value = signed(json);
            if (!name.equals("sign") && !value.isEmpty()) pairs.add(name + "=" + value);
        });
        String text = pairs.toString().replaceAll("[\"\\\\]", "") + "&key=" + SECRET;
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(SECRET.getBytes(UTF_8), "HmacSHA256"));
        return HexFormat.of().formatHex(mac.doFinal(text.toUpperCase(Locale.ROOT).getBytes(UTF_8)));
    }

    static String now() {
        return LocalDateTime.now(ZoneId.of("Asia/Shanghai")).format(DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss"));
    }

    static String post(String path, Map<String, Object> given) throws Exception {
        var fields = new TreeMap<String, String>();
        fields.put("appId", quoted(APP_ID));
        fields.put("reqTime", quoted(now()));
        given.forEach((name, value) -> fields.put(name, value instanceof String text ? quoted(text) : value.toString()));
        fields.put("sign", quoted(sign(fields)));
        var body = new StringJoiner(",", "{", "}");
        fields.forEach((name, json) -> body.add(quoted(name) + ":" + json));
        var request = HttpRequest.newBuilder(URI.create(URL + "/unipay/" + path)).timeout(Duration.ofSeconds(10))
            .header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body.toString())).build();
        var response = HTTP.send(request, BodyHandlers.ofString(UTF_8));
        if (response.statusCode() != 200) throw new IOException("HTTP " + response.statusCode());
        return response.body();
    }

    record Answer(String code, TreeMap<String, String> data) {
        String text(String name) {
            return data.containsKey(name) ? signed(data.get(name)) : "";
        }
    }

    /** 发送请求并验证应答的签名；结果不明时返回 null。 / Sends a request and verifies the answer; null: outcome unknown. */
    static Answer call(String path, Map<String, Object> given) throws Exception {
        String body;
        TreeMap<String, String> answer;
        try {
            body = post(path, given);
            answer = fields(body);
            if (UNDECIDED.contains(answer.get("code"))) throw new IOException(body);
        } catch (IOException | IllegalArgumentException error) {
            System.out.println(path + ": 结果不明 unknown: " + error);
            return null;
        }
        String theirs = signed(answer.getOrDefault("sign", "null"));
        if (!MessageDigest.isEqual(sign(answer).getBytes(UTF_8), theirs.getBytes(UTF_8))) {
            throw fail(path + ": 应答验签失败 the answer's signature does not hold: " + body);
        }
        String code = answer.get("code"), data = answer.getOrDefault("data", "null");
        System.out.println(path + ": " + code + " " + signed(answer.get("msg")) + " " + data);
        return new Answer(code, data.equals("null") ? new TreeMap<>() : fields(data));
    }

    /**
     * 退款直到有结果。超时或处理中只查询原号码，绝不换号。
     * Refunds until there is an outcome. After a time-out and while in progress, the same number is queried, never a new one.
     */
    static Answer refund(Map<String, Object> fields) throws Exception {
        Answer answer = call("refund", fields);
        for (int i = 0; i < 30; i++) {
            // code 为 0 只表示受理，结果看 status / code 0 means accepted, the outcome is status
            if (answer != null && (!answer.code.equals("0") || !answer.text("status").equals("progress"))) return answer;
            Thread.sleep(1000);
            answer = call("query/refundOrder", Map.of("bizRefundNo", fields.get("bizRefundNo")));
            if (answer != null && answer.code.equals(NO_SUCH_REFUND)) {
                answer = call("refund", fields); // 请求没有到达，原样再发 / it never arrived: the same again
            }
        }
        throw fail("仍在处理中，请稍后再查 still in progress: query it later");
    }

    static Answer must(Answer answer) {
        if (answer == null || !answer.code.equals("0")) throw fail("未受理 not accepted");
        return answer;
    }

    public static void main(String[] args) throws Exception {
        // 号码先存库再发送，重启后仍用原号 / store the numbers before sending, so that a restart uses the same ones
        String run = UUID.randomUUID().toString().substring(19).replace("-", "");
        String orderNo = "P" + run, refundNo = "R" + run;

        must(call("order/record", Map.of(
            "bizOrderNo", orderNo, "outOrderNo", "SBX-" + SANDBOX + "-" + run, "channel", "sandbox", "method", "qr_code",
            "title", "茶 Tea", "amount", new BigDecimal("10.00"), "payTime", now())));
        must(refund(Map.of(
            "bizOrderNo", orderNo, "bizRefundNo", refundNo, "amount", new BigDecimal("2.50"), "reason", "凉了 cold")));
        Answer found = must(call("query/refundOrder", Map.of("bizRefundNo", refundNo)));
        System.out.println("refund " + found.text("bizRefundNo") + " " + found.text("status") + " " + found.text("amount"));
    }
}
