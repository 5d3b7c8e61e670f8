package refundry.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.time.Duration;
import java.time.LocalDateTime;
import org.dromara.daxpay.sdk.code.PayStatusEnum;
import org.dromara.daxpay.sdk.param.trade.pay.QueryPayParam;
import org.dromara.daxpay.sdk.param.trade.refund.QueryRefundParam;
import org.dromara.daxpay.sdk.param.trade.refund.RefundParam;
import org.dromara.daxpay.sdk.response.DaxResult;
import org.dromara.daxpay.sdk.result.trade.pay.PayOrderResult;
import org.dromara.daxpay.sdk.result.trade.refund.RefundOrderResult;
import org.dromara.daxpay.sdk.result.trade.refund.RefundResult;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class QueryTest {
    /** The second reason holds a no-break space, which the client escapes in the text that it signs. */
    @ParameterizedTest
    @ValueSource(strings = {"不想要了", "a\u00a0b \"quoted\""})
    void aRefundIsQueriedByEitherNumber(String reason) {
        Order order = Desk.order("OK", 10000);
        RefundParam request = Client.refundOf(order, "12.50").setReason(reason).setAttach("{\"id\":\"7\"}");
        RefundResult refund = Client.accepted(request);
        QueryRefundParam byNo = new QueryRefundParam().setRefundNo(refund.getRefundNo());
        QueryRefundParam byBizNo = new QueryRefundParam().setBizRefundNo(request.getBizRefundNo());
        for (QueryRefundParam query : new QueryRefundParam[] {byNo, byBizNo}) {
            DaxResult<RefundOrderResult> answer = Client.KIT.execute(query);
            assertEquals(0, answer.getCode(), answer.getMsg());
            RefundOrderResult found = answer.getData();
            assertEquals(refund.getRefundNo(), found.getRefundNo());
            assertEquals(request.getBizRefundNo(), found.getBizRefundNo());
            assertEquals(order.orderNo(), found.getOrderNo());
            assertEquals(order.bizOrderNo(), found.getBizOrderNo());
            assertEquals(order.outOrderNo(), found.getOutOrderNo());
            assertEquals(Desk.TITLE, found.getTitle());
            assertEquals("sandbox", found.getChannel());
            assertEquals(100, found.getOrderAmount());
            assertEquals(new BigDecimal("12.5"), found.getAmount());
            assertEquals(reason, found.getReason());
            assertEquals("{\"id\":\"7\"}", found.getAttach());
            assertEquals("success", found.getStatus());
            assertNow(found.getFinishTime());
            assertTrue(Client.verifies(answer));
            found.setAmount(new BigDecimal("12.51"));
            assertFalse(Client.verifies(answer), "a changed amount");
        }
    }

    /** The client's model has whole yuan for the amount of the order, 99 in place of 99.6. */
    @Test
    void aRefundOfAnOrderWithBrokenYuanIsQueriedAndCannotBeVerified() {
        RefundResult refund = Client.accepted(Client.refundOf(Desk.order("OK", 9960), "12.50"));
        DaxResult<RefundOrderResult> answer =
                Client.KIT.execute(new QueryRefundParam().setRefundNo(refund.getRefundNo()));
        assertEquals(0, answer.getCode(), answer.getMsg());
        assertEquals(new BigDecimal("12.5"), answer.getData().getAmount());
        assertEquals(99, answer.getData().getOrderAmount());
        assertFalse(Client.verifies(answer));
    }

    @Test
    void anOrderIsQueriedByEachNumber() {
        Order order = Desk.order("OK", 9960, "id=7");
        Client.accepted(Client.refundOf(order, "12.50"));
        QueryPayParam[] queries = {
            new QueryPayParam().setOrderNo(order.orderNo()),
            new QueryPayParam().setBizOrderNo(order.bizOrderNo()),
            new QueryPayParam().setOutOrderNo(order.outOrderNo()),
        };
        for (QueryPayParam query : queries) {
            DaxResult<PayOrderResult> answer = Client.KIT.execute(query);
            assertEquals(0, answer.getCode(), answer.getMsg());
            PayOrderResult found = answer.getData();
            assertEquals(order.orderNo(), found.getOrderNo());
            assertEquals(order.bizOrderNo(), found.getBizOrderNo());
            assertEquals(order.outOrderNo(), found.getOutOrderNo());
            assertEquals(Desk.TITLE, found.getTitle());
            assertEquals("sandbox", found.getChannel());
            assertEquals("qr_code", found.getMethod());
            assertEquals(new BigDecimal("99.6"), found.getAmount());
            assertEquals(new BigDecimal("87.1"), found.getRefundableBalance());
            assertEquals(PayStatusEnum.SUCCESS.getCode(), found.getStatus());
            assertEquals("partial_refund", found.getRefundStatus());
            assertEquals("id=7", found.getAttach());
            assertNow(found.getPayTime());
        }
    }

    @Test
    void theAnswerAboutAnOrderVerifies() {
        Order order = Desk.order("OK", 9960, "id=7");
        DaxResult<PayOrderResult> answer = Client.KIT.execute(new QueryPayParam().setOrderNo(order.orderNo()));
        assertTrue(Client.verifies(answer));
        answer.getData().setAmount(new BigDecimal("99.61"));
        assertFalse(Client.verifies(answer), "a changed amount");
    }

    @Test
    void whatIsNotKnownIsRefused() {
        Client.assertRefused(20041, "退款", new QueryRefundParam().setRefundNo("R" + Desk.unique()));
        Client.assertRefused(20041, "订单", new QueryPayParam().setBizOrderNo("B" + Desk.unique()));
    }

    /** Checks that a moment is in the server's zone, and of this minute or so. */
    private static void assertNow(LocalDateTime at) {
        assertEquals(0, Duration.between(at, LocalDateTime.now()).toSeconds(), 120);
    }
}
