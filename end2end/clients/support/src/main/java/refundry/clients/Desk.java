package refundry.clients;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** The server's demonstration app, and requests to the server that the clients do not offer. */
public final class Desk {
    public static final String URL = System.getenv("REFUNDRY_URL");
    public static final String APP = "DEMO";
    public static final String MERCHANT = "M0000000001";
    public static final String SECRET = "123456";

    /** Title of every order: characters outside ASCII are signed too. */
    public static final String TITLE = "高山茶 礼盒";

    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final AtomicInteger MADE = new AtomicInteger();

    private Desk() {}

    /** Makes a number that nothing else has, in capitals. */
    public static String unique() {
        return (Long.toString(System.nanoTime(), 36) + "X" + MADE.incrementAndGet()).toUpperCase();
    }

    /** Records a paid order whose refunds the sandbox treats by {@code behaviour}, `OK` for example. */
    public static Order order(String behaviour, long amountFen) {
        return order(behaviour, amountFen, null);
    }

    /** Records a paid order with an attachment, which may be null. */
    public static Order order(String behaviour, long amountFen, String attach) {
        String id = unique();
        Order order = new Order("P" + id, "B" + id, "SBX-" + behaviour + "-" + id, amountFen);
        Map<String, String> fields = new TreeMap<>();
        fields.put("orderNo", order.orderNo());
        fields.put("bizOrderNo", order.bizOrderNo());
        fields.put("outOrderNo", order.outOrderNo());
        fields.put("channel", "sandbox");
        fields.put("method", "qr_code");
        fields.put("title", TITLE);
        fields.put("amount", order.amountYuan());
        fields.put("payTime", now());
        if (attach != null) fields.put("attach", attach);
        post("/unipay/order/record", fields);
        return order;
    }

    /** Makes the server ask the channel for a refund. */
    public static void sync(String refundNo) {
        post("/unipay/sync/order/refund", Map.of("refundNo", refundNo));
    }

    /** Refunds an order in the open edition. */
    public static void refund(Order order, String bizRefundNo, String amountYuan, String notifyUrl) {
        Map<String, String> fields = new TreeMap<>();
        fields.put("orderNo", order.orderNo());
        fields.put("bizRefundNo", bizRefundNo);
        fields.put("amount", amountYuan);
        fields.put("notifyUrl", notifyUrl);
        post("/unipay/refund", fields);
    }

    /** Reads from the channel's book the fen that really moved for a refund. */
    public static long movedFen(String refundNo) {
        String entry = bookEntry(refundNo);
        return number(entry, "amount") * number(entry, "moved");
    }

    /** Waits until the channel has settled a refund. Nothing tells of it, so the channel's book is read repeatedly. */
    public static void awaitSettled(String refundNo) {
        for (int tries = 0; tries < 200; tries++) {
            if (!bookEntry(refundNo).contains("\"status\":\"progress\"")) return;
            LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
        }
        throw new AssertionError("the channel does not settle " + refundNo);
    }

    private static String bookEntry(String refundNo) {
        return send(HttpRequest.newBuilder(URI.create(URL + "/sandbox/book/" + refundNo)).build()).body();
    }

    private static long number(String json, String field) {
        Matcher found = Pattern.compile("\"" + field + "\":(\\d+)").matcher(json);
        if (!found.find()) throw new AssertionError("no " + field + " in " + json);
        return Long.parseLong(found.group(1));
    }

    /** Sends a signed request of the open edition. The values hold nothing that JSON escapes. */
    private static void post(String path, Map<String, String> given) {
        Map<String, String> fields = new TreeMap<>(given);
        fields.put("appId", APP);
        fields.put("reqTime", now());
        fields.put("sign", sign(fields));
        String json = fields.entrySet().stream()
                .map(field -> "\"" + field.getKey() + "\":" + jsonValue(field.getKey(), field.getValue()))
                .collect(Collectors.joining(",", "{", "}"));
        HttpRequest request = HttpRequest.newBuilder(URI.create(URL + path))
                .header("content-type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(json))
                .build();
        String answer = send(request).body();
        if (!answer.contains("\"code\":0,")) throw new AssertionError(path + ": " + answer);
    }

    private static String jsonValue(String name, String value) {
        return name.equals("amount") ? value : "\"" + value + "\"";
    }

    private static String sign(Map<String, String> sorted) {
        String fields = sorted.entrySet().stream()
                .map(field -> field.getKey() + "=" + field.getValue())
                .collect(Collectors.joining("&"));
        String text = (fields + "&key=" + SECRET).toUpperCase();
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(SECRET.getBytes(UTF_8), "HmacSHA256"));
            return HexFormat.of().formatHex(mac.doFinal(text.getBytes(UTF_8)));
        } catch (GeneralSecurityException error) {
            throw new AssertionError(error);
        }
    }

    private static HttpResponse<String> send(HttpRequest request) {
        try {
            return HTTP.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (IOException | InterruptedException error) {
            throw new AssertionError(request.uri().getPath(), error);
        }
    }

    /** Returns the time in the server's zone. */
    private static String now() {
        return LocalDateTime.now(ZoneId.of("Asia/Shanghai")).format(DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss"));
    }
}
