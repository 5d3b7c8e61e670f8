package refundry.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cn.daxpay.single.sdk.code.RefundStatusEnum;
import cn.daxpay.single.sdk.code.SignTypeEnum;
import cn.daxpay.single.sdk.model.refund.RefundModel;
import cn.daxpay.single.sdk.net.DaxPayKit;
import cn.daxpay.single.sdk.param.channel.WeChatPayParam;
import cn.daxpay.single.sdk.param.refund.QueryRefundParam;
import cn.daxpay.single.sdk.param.refund.RefundParam;
import cn.daxpay.single.sdk.response.DaxPayResult;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RefundTest {
    @BeforeEach
    void connect() {
        Client.useSecret(Desk.SECRET);
    }

    @Test
    void aRefundSucceedsAndItsAnswerVerifies() {
        RefundParam request = Client.refundOf(Desk.order("OK", 9960), 1250);
        request.setReason("不想要了");
        request.setAttach("{\"id\":\"7\",\"名\":\"a&b=c\"}");
        RefundModel refund = Client.accepted(request);
        assertEquals(RefundStatusEnum.SUCCESS.getCode(), refund.getStatus());
        assertEquals(request.getBizRefundNo(), refund.getBizRefundNo());
        assertTrue(refund.getRefundNo().matches("DEVR\\d{20}"), refund.getRefundNo());
        assertEquals(1250, Desk.movedFen(refund.getRefundNo()));
        assertTrue(Client.verifies(refund));
        refund.setStatus("fail");
        assertFalse(Client.verifies(refund), "a changed state");
    }

    /** A nested object is signed as JSON with sorted names; these two stand in the other order in their class. */
    @Test
    void aNestedParameterIsSigned() {
        RefundParam request = Client.refundOf(Desk.order("OK", 9960), 1250);
        WeChatPayParam nested = new WeChatPayParam();
        nested.setOpenId("o-1");
        nested.setAuthCode("a-1");
        request.setExtraParam(nested);
        assertEquals("success", Client.accepted(request).getStatus());
    }

    /** In this edition the number is another one. It is refused all the same: a slip of letters must not pay twice. */
    @Test
    void aNumberThatDiffersInCaseAloneIsRefused() {
        Order order = Desk.order("OK", 9960);
        RefundParam request = Client.refundOf(order, 1250);
        RefundModel first = Client.accepted(request);
        RefundParam again = Client.refundOf(order, 1250);
        again.setBizRefundNo(request.getBizRefundNo().toLowerCase());
        Client.assertRefused(10506, request.getBizRefundNo(), again);
        assertEquals(1250, Desk.movedFen(first.getRefundNo()));
    }

    @Test
    void theOrderIsNamedByTheMerchantsNumber() {
        Order order = Desk.order("OK", 100);
        RefundParam request = Client.refundOf(order, 100);
        request.setOrderNo(null);
        request.setBizOrderNo(order.bizOrderNo());
        RefundModel refund = Client.accepted(request);
        assertEquals("success", refund.getStatus());
        assertEquals(100, Desk.movedFen(refund.getRefundNo()));
    }

    @Test
    void theSameNumberAgainIsTheFirstRefund() {
        Order order = Desk.order("OK", 9960);
        RefundParam request = Client.refundOf(order, 1250);
        RefundModel first = Client.accepted(request);
        RefundParam again = Client.refundOf(order, 300);
        again.setBizRefundNo(request.getBizRefundNo());
        RefundModel second = Client.accepted(again);
        assertEquals(first.getRefundNo(), second.getRefundNo());
        assertEquals("success", second.getStatus());
        assertEquals(1250, Desk.movedFen(first.getRefundNo()));
        assertTrue(Client.verifies(second));
    }

    @Test
    void anAcceptedRefundIsInProgress() {
        RefundModel refund = Client.refund("ASYNC-NOCB");
        assertEquals(RefundStatusEnum.PROGRESS.getCode(), refund.getStatus());
        assertTrue(Client.verifies(refund));
    }

    /** The answer carries an errorMsg, which the model of no version has. */
    @Test
    void aFailedRefundIsToldAndItsAnswerCannotBeVerified() {
        RefundModel refund = Client.refund("FAIL");
        assertEquals(RefundStatusEnum.FAIL.getCode(), refund.getStatus());
        assertFalse(Client.hasField(RefundModel.class, "errorMsg"));
        assertFalse(Client.verifies(refund));
        QueryRefundParam query = new QueryRefundParam();
        query.setRefundNo(refund.getRefundNo());
        assertEquals(RefundStatusEnum.FAIL.getCode(), Client.accepted(query).getStatus());
    }

    @Test
    void moreThanIsLeftIsRefused() {
        Order order = Desk.order("OK", 1000);
        Client.accepted(Client.refundOf(order, 600));
        Client.assertRefused(10506, "4.00", Client.refundOf(order, 401));
        assertEquals(400, Desk.movedFen(Client.accepted(Client.refundOf(order, 400)).getRefundNo()));
    }

    @Test
    void anOrderThatIsNotKnownIsRefused() {
        RefundParam request = Client.refundOf(new Order("P" + Desk.unique(), null, null, 0), 100);
        Client.assertRefused(20041, "订单", request);
    }

    @Test
    void aWrongSecretIsRefusedWithoutData() {
        Client.useSecret("654321");
        RefundParam request = Client.refundOf(Desk.order("OK", 100), 100);
        DaxPayResult<RefundModel> answer = DaxPayKit.execute(request);
        assertEquals(20052, answer.getCode());
        assertNull(answer.getData());
        assertNotEquals("", answer.getTraceId());
    }

    @Test
    void anotherAlgorithmThanTheAppsIsRefused() {
        Client.useSecret(Desk.SECRET, SignTypeEnum.MD5);
        DaxPayResult<RefundModel> answer = DaxPayKit.execute(Client.refundOf(Desk.order("OK", 100), 100));
        assertEquals(20052, answer.getCode());
        assertNull(answer.getData());
    }

    @Test
    void anUnsignedRequestIsRefused() {
        DaxPayResult<RefundModel> answer = DaxPayKit.execute(Client.refundOf(Desk.order("OK", 100), 100), false);
        assertEquals(10506, answer.getCode());
        assertTrue(answer.getMsg().contains("sign"), answer.getMsg());
        assertNull(answer.getData());
    }
}
