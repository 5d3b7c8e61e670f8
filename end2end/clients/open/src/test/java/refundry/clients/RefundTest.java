package refundry.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import org.dromara.daxpay.sdk.code.RefundStatusEnum;
import org.dromara.daxpay.sdk.param.trade.refund.RefundParam;
import org.dromara.daxpay.sdk.response.DaxResult;
import org.dromara.daxpay.sdk.result.trade.refund.RefundResult;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RefundTest {
    @Test
    void aRefundSucceedsAndItsAnswerVerifies() {
        RefundParam request = Client.refundOf(Desk.order("OK", 9960), "12.50")
                .setReason("不想要了")
                .setExtraParam("{\"b\":1.10,\"a\":\"x\"}")
                .setAttach("{\"id\":\"7\",\"名\":\"a&b=c\"}");
        DaxResult<RefundResult> answer = Client.KIT.execute(request);
        assertEquals(0, answer.getCode(), answer.getMsg());
        RefundResult refund = answer.getData();
        assertEquals(RefundStatusEnum.SUCCESS.getCode(), refund.getStatus());
        assertEquals(request.getBizRefundNo(), refund.getBizRefundNo());
        assertTrue(refund.getRefundNo().matches("DEVR\\d{20}"), refund.getRefundNo());
        assertNull(refund.getErrorMsg());
        assertEquals(1250, Desk.movedFen(refund.getRefundNo()));
        assertTrue(Client.verifies(answer));
        refund.setStatus("fail");
        assertFalse(Client.verifies(answer), "a changed state");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0.01", "1", "1.10", "99.60"})
    void amountsAreYuan(String yuan) {
        RefundResult refund = Client.accepted(Client.refundOf(Desk.order("OK", 9960), yuan));
        assertEquals(new BigDecimal(yuan).movePointRight(2).longValueExact(), Desk.movedFen(refund.getRefundNo()));
    }

    @Test
    void theOrderIsNamedByTheMerchantsNumberOrTheChannels() {
        Order order = Desk.order("OK", 300);
        RefundParam byBizNo = Client.refundOf(order, "1").setOrderNo(null).setBizOrderNo(order.bizOrderNo());
        assertEquals(100, Desk.movedFen(Client.accepted(byBizNo).getRefundNo()));
        RefundParam byOutNo = Client.refundOf(order, "2").setOrderNo(null).setOutOrderNo(order.outOrderNo());
        assertEquals(200, Desk.movedFen(Client.accepted(byOutNo).getRefundNo()));
    }

    /** The signature does not see case, so that a number in other letters is the same number. */
    @Test
    void theSameNumberAgainIsTheFirstRefund() {
        Order order = Desk.order("OK", 9960);
        RefundParam request = Client.refundOf(order, "12.50");
        RefundResult first = Client.accepted(request);
        RefundParam again = Client.refundOf(order, "3").setBizRefundNo(request.getBizRefundNo().toLowerCase());
        RefundResult second = Client.accepted(again);
        assertEquals(first.getRefundNo(), second.getRefundNo());
        assertEquals("success", second.getStatus());
        assertEquals(1250, Desk.movedFen(first.getRefundNo()));
    }

    @Test
    void anAcceptedRefundIsInProgress() {
        RefundResult refund = Client.accepted(Client.refundOf(Desk.order("ASYNC-NOCB", 9960), "12.50"));
        assertEquals(RefundStatusEnum.PROGRESS.getCode(), refund.getStatus());
    }

    @Test
    void aFailedRefundTellsWhyAndItsAnswerVerifies() {
        RefundResult refund = Client.accepted(Client.refundOf(Desk.order("FAIL", 9960), "12.50"));
        assertEquals(RefundStatusEnum.FAIL.getCode(), refund.getStatus());
        assertNotNull(refund.getErrorMsg());
    }

    @Test
    void moreThanIsLeftIsRefused() {
        Order order = Desk.order("OK", 1000);
        Client.accepted(Client.refundOf(order, "6"));
        Client.assertRefused(10506, "4.00", Client.refundOf(order, "4.01"));
        assertEquals(400, Desk.movedFen(Client.accepted(Client.refundOf(order, "4")).getRefundNo()));
    }

    @Test
    void anOrderThatIsNotKnownIsRefused() {
        Client.assertRefused(20041, "订单", Client.refundOf(new Order("P" + Desk.unique(), null, null, 0), "1"));
    }

    /** The answer to a stranger is not signed, and this client takes such an answer for verified. */
    @Test
    void aWrongSecretIsRefusedUnsigned() {
        RefundParam request = Client.refundOf(Desk.order("OK", 100), "1");
        DaxResult<RefundResult> answer = Client.kit("654321").execute(request);
        assertEquals(20052, answer.getCode());
        assertNull(answer.getData());
        assertNull(answer.getSign());
        assertTrue(Client.KIT.verifySign(answer));
    }
}
