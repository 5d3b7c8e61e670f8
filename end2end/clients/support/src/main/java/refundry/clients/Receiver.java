package refundry.clients;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.Charset;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A merchant's receiver of notices, on the loopback address. */
public final class Receiver implements AutoCloseable {
    private static final int PATIENCE_SECONDS = 30;

    private final HttpServer server;
    private final BlockingQueue<String> bodies = new LinkedBlockingQueue<>();

    public Receiver() {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException error) {
            throw new AssertionError(error);
        }
        server.createContext("/notices", this::receive);
        server.start();
    }

    /** Returns the address for {@code notifyUrl}. */
    public String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort() + "/notices";
    }

    /** Waits for the next notice, and returns its body. */
    public String await() {
        try {
            String body = bodies.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
            if (body == null) throw new AssertionError("no notice within " + PATIENCE_SECONDS + " s");
            return body;
        } catch (InterruptedException error) {
            throw new AssertionError(error);
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }

    private void receive(HttpExchange exchange) throws IOException {
        byte[] body = exchange.getRequestBody().readAllBytes();
        bodies.add(new String(body, charset(exchange.getRequestHeaders().getFirst("content-type"))));
        byte[] answer = "SUCCESS".getBytes(ISO_8859_1);
        exchange.sendResponseHeaders(200, answer.length);
        exchange.getResponseBody().write(answer);
        exchange.close();
    }

    /** Returns the charset by the rule of old receivers: ISO-8859-1 where the header names none. */
    private static Charset charset(String contentType) {
        String[] parts = contentType.split("(?i);\\s*charset=");
        return parts.length == 2 ? Charset.forName(parts[1].trim()) : ISO_8859_1;
    }
}
