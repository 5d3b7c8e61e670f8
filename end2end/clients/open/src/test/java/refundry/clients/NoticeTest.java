package refundry.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cn.hutool.core.lang.TypeReference;
import java.util.Map;
import org.dromara.daxpay.sdk.param.trade.refund.RefundParam;
import org.dromara.daxpay.sdk.response.DaxNoticeResult;
import org.dromara.daxpay.sdk.result.trade.refund.RefundOrderResult;
import org.dromara.daxpay.sdk.result.trade.refund.RefundResult;
import org.dromara.daxpay.sdk.util.JsonUtil;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NoticeTest {
    /** This client has no sync, so that {@link Desk} makes it where the channel does not call back. */
    @ParameterizedTest
    @CsvSource({"OK, success", "ASYNC, success", "FAIL, fail", "LATEFAIL, fail", "CLOSED, close"})
    void aNoticeTellsOfTheEndOfARefund(String behaviour, String status) {
        Order order = Desk.order(behaviour, 9960);
        try (Receiver receiver = new Receiver()) {
            RefundParam request = Client.refundOf(order, "12.50")
                    .setReason("a\u00a0b")
                    .setAttach("{\"id\":\"7\"}")
                    .setNotifyUrl(receiver.url());
            RefundResult refund = Client.accepted(request);
            if (!refund.getStatus().equals(status) && !behaviour.equals("ASYNC")) {
                Desk.awaitSettled(refund.getRefundNo());
                Desk.sync(refund.getRefundNo());
            }
            String body = receiver.await();

            DaxNoticeResult<Map<String, Object>> notice = asMap(body);
            assertEquals("refund", notice.getNoticeType());
            assertEquals(Desk.APP, notice.getAppId());
            assertEquals(Desk.MERCHANT, notice.getMchNo());
            assertEquals(0, notice.getCode());
            Map<String, Object> data = notice.getData();
            assertEquals(refund.getRefundNo(), data.get("refundNo"));
            assertEquals(request.getBizRefundNo(), data.get("bizRefundNo"));
            assertEquals(order.orderNo(), data.get("orderNo"));
            assertEquals(order.bizOrderNo(), data.get("bizOrderNo"));
            assertEquals(order.outOrderNo(), data.get("outOrderNo"));
            assertEquals(Desk.TITLE, data.get("title"));
            assertEquals("sandbox", data.get("channel"));
            assertEquals("99.6", data.get("orderAmount").toString());
            assertEquals("12.5", data.get("amount").toString());
            assertEquals("a\u00a0b", data.get("reason"));
            assertEquals("{\"id\":\"7\"}", data.get("attach"));
            assertEquals(status, data.get("status"));
            assertEquals(!status.equals("success"), data.containsKey("errorMsg"));
            assertTrue(Client.verifies(notice));
        }
    }

    /** The client's JSON reader makes a map of the data, whatever its type in the notice. */
    @Test
    void aNoticeReadAsItsTypeVerifiesAndGivesNoTypedData() {
        try (Receiver receiver = new Receiver()) {
            RefundParam request = Client.refundOf(Desk.order("OK", 9960), "12.50").setNotifyUrl(receiver.url());
            Client.accepted(request);
            DaxNoticeResult<RefundOrderResult> notice =
                    JsonUtil.toBean(receiver.await(), new TypeReference<DaxNoticeResult<RefundOrderResult>>() {});
            assertTrue(Client.verifies(notice));
            assertThrows(ClassCastException.class, () -> notice.getData().getBizRefundNo());
        }
    }

    @Test
    void aChangedNoticeDoesNotVerify() {
        try (Receiver receiver = new Receiver()) {
            RefundParam request = Client.refundOf(Desk.order("OK", 9960), "12.50").setNotifyUrl(receiver.url());
            Client.accepted(request);
            String body = receiver.await();
            assertTrue(Client.verifies(asMap(body)));
            Map<String, String> changes = Map.of(
                    "\"amount\":12.5", "\"amount\":12.51",
                    "\"status\":\"success\"", "\"status\":\"fail\"",
                    "\"appId\":\"DEMO\"", "\"appId\":\"DEMO2\"",
                    request.getBizRefundNo(), "R" + Desk.unique());
            changes.forEach((from, to) -> {
                String changed = body.replace(from, to);
                assertNotEquals(body, changed);
                assertFalse(Client.verifies(asMap(changed)), to);
            });
        }
    }

    private static DaxNoticeResult<Map<String, Object>> asMap(String body) {
        return JsonUtil.toBean(body, new TypeReference<DaxNoticeResult<Map<String, Object>>>() {});
    }
}
