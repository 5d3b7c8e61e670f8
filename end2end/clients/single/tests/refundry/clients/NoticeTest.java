package refundry.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cn.daxpay.single.sdk.model.notice.RefundNoticeModel;
import cn.daxpay.single.sdk.model.refund.RefundModel;
import cn.daxpay.single.sdk.param.refund.RefundParam;
import cn.daxpay.single.sdk.util.PaySignUtil;
import cn.hutool.json.JSONObject;
import cn.hutool.json.JSONUtil;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NoticeTest {
    @BeforeEach
    void connect() {
        Client.useSecret(Desk.SECRET);
    }

    @ParameterizedTest
    @CsvSource({"OK, success", "ASYNC, success", "FAIL, fail", "LATEFAIL, fail", "CLOSED, close"})
    void aNoticeTellsOfTheEndOfARefund(String behaviour, String status) {
        Order order = Desk.order(behaviour, 9960);
        try (Receiver receiver = new Receiver()) {
            RefundParam request = Client.refundOf(order, 1250);
            request.setReason("不想要\u00a0了");
            request.setAttach("{\"id\":\"7\"}");
            request.setNotifyUrl(receiver.url());
            RefundModel refund = Client.accepted(request);
            // The channel calls back about ASYNC alone.
            if (!refund.getStatus().equals(status) && !behaviour.equals("ASYNC")) {
                Desk.awaitSettled(refund.getRefundNo());
                Client.accepted(Version.refundSync(refund.getRefundNo(), null));
            }
            String body = receiver.await();

            JSONObject notice = JSONUtil.parseObj(body);
            assertEquals(refund.getRefundNo(), notice.getStr("refundNo"));
            assertEquals(request.getBizRefundNo(), notice.getStr("bizRefundNo"));
            assertEquals(order.orderNo(), notice.getStr("orderNo"));
            assertEquals(order.bizOrderNo(), notice.getStr("bizOrderNo"));
            assertEquals(order.outOrderNo(), notice.getStr("outOrderNo"));
            assertEquals(Desk.TITLE, notice.getStr("title"));
            assertEquals("sandbox", notice.getStr("channel"));
            assertEquals(9960, notice.getInt("orderAmount"));
            assertEquals(1250, notice.getInt("amount"));
            assertEquals("不想要\u00a0了", notice.getStr("reason"));
            assertEquals("{\"id\":\"7\"}", notice.getStr("attach"));
            assertEquals(status, notice.getStr("status"));
            assertEquals(0, notice.getInt("code"));
            assertEquals(!status.equals("success"), notice.containsKey("errorMsg"));

            assertEquals(Version.VERIFIES_NOTICES, verifiesByModel(body), "by the model");
            assertTrue(verifiesByFields(body), "by the fields");
        }
    }

    @Test
    void aChangedNoticeDoesNotVerify() {
        try (Receiver receiver = new Receiver()) {
            RefundParam request = Client.refundOf(Desk.order("OK", 9960), 1250);
            request.setNotifyUrl(receiver.url());
            Client.accepted(request);
            String body = receiver.await();
            assertTrue(verifiesByFields(body));
            Map<String, String> changes = Map.of(
                    "\"amount\":1250", "\"amount\":1251",
                    "\"status\":\"success\"", "\"status\":\"fail\"",
                    request.getBizRefundNo(), "R" + Desk.unique());
            changes.forEach((from, to) -> {
                String changed = body.replace(from, to);
                assertNotEquals(body, changed);
                assertFalse(verifiesByModel(changed), to);
                assertFalse(verifiesByFields(changed), to);
            });
        }
    }

    @Test
    void noNoticeComesWhereNoneIsWanted() {
        RefundParam silent = Client.refundOf(Desk.order("OK", 9960), 1250);
        if (!Version.askForNoNotice(silent)) {
            assertFalse(Client.hasField(RefundParam.class, "notNotify"));
            return;
        }
        try (Receiver receiver = new Receiver()) {
            silent.setNotifyUrl(receiver.url());
            assertEquals("success", Client.accepted(silent).getStatus());
            RefundParam told = Client.refundOf(Desk.order("ASYNC", 9960), 1250);
            told.setNotifyUrl(receiver.url());
            Client.accepted(told);
            // The first to come, two seconds after the silent one would have, is that of the later refund.
            assertEquals(told.getBizRefundNo(), JSONUtil.parseObj(receiver.await()).getStr("bizRefundNo"));
        }
    }

    /** Verifies as the client's documents show it: the notice becomes its model, which is signed again. */
    private static boolean verifiesByModel(String body) {
        RefundNoticeModel notice = JSONUtil.toBean(body, RefundNoticeModel.class);
        return PaySignUtil.verifyHmacSha256Sign(notice, Desk.SECRET, notice.getSign());
    }

    /** Verifies by the client's functions over all fields that came, whether its model has them or not. */
    private static boolean verifiesByFields(String body) {
        Map<String, String> fields = new TreeMap<>();
        JSONUtil.parseObj(body).forEach((name, value) -> fields.put(name, value.toString()));
        String sign = fields.remove("sign");
        String text = PaySignUtil.createLinkString(fields) + "&key=" + Desk.SECRET;
        return PaySignUtil.hmacSha256(text, Desk.SECRET).equals(sign);
    }
}
