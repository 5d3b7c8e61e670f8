// 接收退款通知，两种协议版本都验签。 / Receives notices of refunds, and verifies those of both editions.
//
//     UNIPAY_SECRET=123456 java Notice.java 8000      # JDK 17; notifyUrl: http://127.0.0.1:8000/

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.math.BigDecimal;
import java.net.InetSocketAddress;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Set;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

import static java.nio.charset.StandardCharsets.UTF_8;

class Notice {
    static final String SECRET = System.getenv().getOrDefault("UNIPAY_SECRET", "123456");
    static final int BODY_BYTES_MAX = 64 * 1024;

    // 已处理的通知。正式环境用数据库唯一键，与入账同一事务，入账以查询该退款的结果为准。
    // The handled notices. In production a unique key in the database, in the transaction that books the refund, as a query of
    // it tells it.
    static final Set<String> HANDLED = ConcurrentHashMap.newKeySet();

    static final String STRING = "\"(?:[^\"\\\\]++|\\\\.)*+\"";
    static final Pattern FIELD = Pattern.compile(
        "\\G[{,]\"(\\w+)\":(" + STRING + "|\\{(?:" + STRING + "|[^\"{}]++)*+\\}|[^\"{}\\[\\],]++)");
    static final Pattern ESCAPE = Pattern.compile("\\\\(?:u([0-9a-fA-F]{4})|(.))");
    static final Pattern INVISIBLE = Pattern.compile("[\\u0080-\\u00a0\\u2000-\\u2010\\u2028-\\u202f\\u2066-\\u206f]");

    /** 拆开 JSON 对象的一层：字段名 → 原样的值。 / Splits one level of a compact JSON object: name → value as it stands. */
    static TreeMap<String, String> fields(String json, Comparator<String> order) {
        var fields = new TreeMap<String, String>(order);
        Matcher field = FIELD.matcher(json);
        int end = 0;
        for (; field.find(); end = field.end()) fields.put(field.group(1), field.group(2));
        if (!json.substring(end).equals("}")) throw new IllegalArgumentException("无法解析 unreadable: " + json);
        return fields;
    }

    static String unquoted(String json) {
        return ESCAPE.matcher(json.substring(1, json.length() - 1)).replaceAll(found -> {
            if (found.group(1) != null) return Matcher.quoteReplacement("" + (char) Integer.parseInt(found.group(1), 16));
            int control = "bfnrt".indexOf(found.group(2));
            return control < 0 ? Matcher.quoteReplacement(found.group(2)) : "\b\f\n\r\t".substring(control, control + 1);
        });
    }

    /** 写出嵌套的 data：字段按名排序，不分大小写。 / Writes data with its fields sorted by name, ignoring case. */
    static String nested(String json) {
        var parts = new StringJoiner(",", "{", "}");
        fields(json, String.CASE_INSENSITIVE_ORDER.thenComparing(Comparator.naturalOrder())).forEach((name, value) -> {
            if (!value.equals("null")) parts.add('"' + name + "\":" + (value.startsWith("\"") ? value : signed(value)));
        });
        return INVISIBLE.matcher(parts.toString()).replaceAll(found -> String.format("\\\\u%04x", (int) found.group().charAt(0)));
    }

    /** 写出待签名文本中的值。 / Writes a value as it stands in the signed text. */
    static String signed(String json) {
        return switch (json.charAt(0)) {
            case '"' -> unquoted(json);
            case '{' -> nested(json);
            case 'n' -> ""; // null
            case 't', 'f' -> json;
            // 小数去掉末尾的零 / a decimal loses its trailing zeros: 1.10 -> 1.1, 1.00 -> 1
            default -> new BigDecimal(json).stripTrailingZeros().toPlainString();
        };
    }

    static String sign(TreeMap<String, String> fields, boolean open) throws GeneralSecurityException {
        var pairs = new StringJoiner("&");
        fields.forEach((name, json) -> {
            String value = signed(json);
            if (!name.equals("sign") && !value.isEmpty()) pairs.add(name + "=" + value);
        });
        String text = pairs.toString().replaceAll("[\"\\\\]", "") + "&key=" + SECRET;
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(SECRET.getBytes(UTF_8), "HmacSHA256"));
        return HexFormat.of().formatHex(mac.doFinal((open ? text.toUpperCase(Locale.ROOT) : text).getBytes(UTF_8)));
    }

    record Refund(String refundNo, String bizRefundNo, String status, String amount) {}

    /** 验签并取出退款。 / Verifies a notice and returns its refund. */
    static Refund refundOf(String body) throws GeneralSecurityException {
        var notice = fields(body, Comparator.naturalOrder());
        // 服务商版的时间是字符串 / the open edition writes times as strings
        boolean open = notice.getOrDefault("resTime", "").startsWith("\"");
        String theirs = signed(notice.getOrDefault("sign", "null"));
        if (!MessageDigest.isEqual(sign(notice, open).getBytes(UTF_8), theirs.getBytes(UTF_8))) {
            throw new IllegalArgumentException("验签失败 the signature does not hold");
        }
        var refund = open ? fields(notice.getOrDefault("data", ""), Comparator.naturalOrder()) : notice;
        if (!refund.containsKey("refundNo")) throw new IllegalArgumentException("没有退款号 no refundNo");
        return new Refund(signed(refund.get("refundNo")), signed(refund.get("bizRefundNo")),
            signed(refund.get("status")), signed(refund.get("amount")));
    }

    static void receive(HttpExchange exchange) throws IOException {
        int status = 200;
        try {
            byte[] body = exchange.getRequestBody().readNBytes(BODY_BYTES_MAX);
            Refund refund = refundOf(new String(body, UTF_8));
            // 同一通知可能来多次，只处理一次，都答 SUCCESS / a notice may come again: it is handled once and always answered
            String what = HANDLED.add(refund.refundNo + " " + refund.status) ? "notice" : "repeat";
            System.out.println(String.join(" ", what, refund.refundNo, refund.bizRefundNo, refund.status, refund.amount));
        } catch (RuntimeException | GeneralSecurityException error) {
            System.out.println("refused " + error);
            status = 400;
        }
        byte[] answer = (status == 200 ? "SUCCESS" : "FAIL").getBytes(UTF_8);
        exchange.sendResponseHeaders(status, answer.length);
        exchange.getResponseBody().write(answer);
        exchange.close();
    }

    public static void main(String[] args) throws IOException {
        int port = Integer.parseInt(args.length > 0 ? args[0] : System.getenv().getOrDefault("PORT", "8000"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.setExecutor(Executors.newFixedThreadPool(8));
        server.createContext("/", Notice::receive);
        server.start();
        System.out.println("listening on 127.0.0.1:" + server.getAddress().getPort());
    }
}
