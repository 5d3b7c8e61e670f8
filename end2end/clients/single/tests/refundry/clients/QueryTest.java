package refundry.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import cn.daxpay.single.sdk.code.PayStatusEnum;
import cn.daxpay.single.sdk.model.pay.PayOrderModel;
import cn.daxpay.single.sdk.model.refund.RefundModel;
import cn.daxpay.single.sdk.model.refund.RefundOrderModel;
import cn.daxpay.single.sdk.param.pay.QueryPayParam;
import cn.daxpay.single.sdk.param.refund.QueryRefundParam;
import cn.daxpay.single.sdk.param.refund.RefundParam;
import java.math.BigDecimal;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class QueryTest {
    @BeforeEach
    void connect() {
        Client.useSecret(Desk.SECRET);
    }

    /** The amount is a BigDecimal in the model of each version, and signed as {} by the client. */
    @Test
    void aRefundIsQueriedByEitherNumberAndCannotBeVerified() {
        Order order = Desk.order("OK", 9960);
        RefundParam request = Client.refundOf(order, 1250);
        request.setReason("不想要了");
        request.setAttach("id=7");
        RefundModel refund = Client.accepted(request);
        Map<String, String> expected = Map.of(
                "refundNo", refund.getRefundNo(),
                "bizRefundNo", request.getBizRefundNo(),
                "orderNo", order.orderNo(),
                "bizOrderNo", order.bizOrderNo(),
                "outOrderNo", order.outOrderNo(),
                "title", Desk.TITLE,
                "channel", "sandbox",
                "orderAmount", "9960",
                "reason", "不想要了");
        for (QueryRefundParam query : new QueryRefundParam[] {byNo(refund), byBizNo(refund)}) {
            RefundOrderModel found = Client.accepted(query);
            expected.forEach((field, value) -> assertField(found, field, value));
            assertEquals(new BigDecimal(1250), found.getAmount());
            assertEquals("success", found.getStatus());
            assertNow(found.getFinishTime());
            assertEquals("{}", Client.field(found, "amount"));
            assertFalse(Client.verifies(found));
        }
    }

    @Test
    void anOrderIsQueriedByEitherNumber() {
        Order order = Desk.order("OK", 9960);
        Client.accepted(Client.refundOf(order, 1250));
        QueryPayParam byNo = new QueryPayParam();
        byNo.setOrderNo(order.orderNo());
        QueryPayParam byBizNo = new QueryPayParam();
        byBizNo.setBizOrderNoeNo(order.bizOrderNo());
        for (QueryPayParam query : new QueryPayParam[] {byNo, byBizNo}) {
            PayOrderModel found = Client.accepted(query);
            assertEquals(order.orderNo(), found.getOrderNo());
            assertEquals(order.bizOrderNo(), found.getBizOrderNo());
            assertField(found, "outOrderNo", order.outOrderNo());
            assertEquals(Desk.TITLE, found.getTitle());
            assertEquals("sandbox", found.getChannel());
            assertEquals(9960, found.getAmount());
            assertEquals(9960 - 1250, found.getRefundableBalance());
            assertEquals(PayStatusEnum.SUCCESS.getCode(), found.getStatus());
            assertField(found, "refundStatus", "partial_refund");
            assertNow(found.getPayTime());
            assertEquals(Version.VERIFIES_ORDER_QUERIES, Client.verifies(found));
            found.setAmount(1);
            assertFalse(Client.verifies(found), "a changed amount");
        }
    }

    /** The attachment is signed, and in the model of no version. */
    @Test
    void anOrderWithAnAttachmentIsQueriedAndCannotBeVerified() {
        QueryPayParam query = new QueryPayParam();
        query.setOrderNo(Desk.order("OK", 9960, "id=7").orderNo());
        PayOrderModel found = Client.accepted(query);
        assertEquals(9960, found.getAmount());
        assertFalse(Client.hasField(PayOrderModel.class, "attach"));
        assertFalse(Client.verifies(found));
    }

    @Test
    void whatIsNotKnownIsRefused() {
        QueryRefundParam refund = new QueryRefundParam();
        refund.setRefundNo("R" + Desk.unique());
        Client.assertRefused(20041, "退款", refund);
        QueryPayParam order = new QueryPayParam();
        order.setBizOrderNoeNo("B" + Desk.unique());
        Client.assertRefused(20041, "订单", order);
    }

    private static QueryRefundParam byNo(RefundModel refund) {
        QueryRefundParam query = new QueryRefundParam();
        query.setRefundNo(refund.getRefundNo());
        return query;
    }

    private static QueryRefundParam byBizNo(RefundModel refund) {
        QueryRefundParam query = new QueryRefundParam();
        query.setBizRefundNo(refund.getBizRefundNo());
        return query;
    }

    /** Checks a field where this version's model has it. */
    private static void assertField(Object model, String field, String value) {
        if (Client.hasField(model.getClass(), field)) assertEquals(value, Client.field(model, field), field);
    }

    /** Checks that a moment is in Unix seconds, and of this minute or so. */
    private static void assertNow(Long seconds) {
        assertNotNull(seconds);
        assertEquals(System.currentTimeMillis() / 1000, seconds, 120);
    }
}
