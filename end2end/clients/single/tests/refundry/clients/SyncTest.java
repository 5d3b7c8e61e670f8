package refundry.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import cn.daxpay.single.sdk.model.refund.RefundModel;
import cn.daxpay.single.sdk.net.DaxPayRequest;
import cn.daxpay.single.sdk.net.DaxPayResponseModel;
import cn.daxpay.single.sdk.param.refund.QueryRefundParam;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SyncTest {
    @BeforeEach
    void connect() {
        Client.useSecret(Desk.SECRET);
    }

    /** The channel took the refund and gave no answer. */
    @Test
    void aRefundIsSyncedByEitherNumber() {
        RefundModel refund = Client.refund("TIMEOUT");
        assertEquals("progress", refund.getStatus());
        assertStatus("success", Version.refundSync(refund.getRefundNo(), null));
        assertStatus("success", Version.refundSync(null, refund.getBizRefundNo()));
        QueryRefundParam query = new QueryRefundParam();
        query.setRefundNo(refund.getRefundNo());
        assertEquals("success", Client.accepted(query).getStatus());
        assertEquals(1250, Desk.movedFen(refund.getRefundNo()));
    }

    @ParameterizedTest
    @CsvSource({
        "ASYNC-NOCB, progress, success",
        "LATEFAIL, progress, fail",
        "CLOSED, progress, close",
        "FAIL, fail, fail",
    })
    void aSyncFindsTheEndOfARefund(String behaviour, String before, String after) {
        RefundModel refund = Client.refund(behaviour);
        assertEquals(before, refund.getStatus());
        Desk.awaitSettled(refund.getRefundNo());
        assertStatus(after, Version.refundSync(refund.getRefundNo(), null));
    }

    @Test
    void aRefundThatTheChannelDoesNotKnowIsToldAsSuch() {
        RefundModel refund = Client.refund("ABSENT");
        assertEquals("progress", refund.getStatus());
        assertStatus("pay_not_found", Version.refundSync(refund.getRefundNo(), null));
    }

    @Test
    void anOrderIsSyncedByEitherNumber() {
        Order order = Desk.order("OK", 9960);
        assertStatus("success", Version.orderSync(order.orderNo(), null));
        assertStatus("success", Version.orderSync(null, order.bizOrderNo()));
    }

    @Test
    void whatIsNotKnownIsRefused() {
        Client.assertRefused(20041, "退款", Version.refundSync("R" + Desk.unique(), null));
        Client.assertRefused(20041, "订单", Version.orderSync("P" + Desk.unique(), null));
    }

    /** Checks the state. The numbers of the answer are signed, and in the model of no version. */
    private static void assertStatus(String status, DaxPayRequest<? extends DaxPayResponseModel> request) {
        DaxPayResponseModel data = Client.accepted(request);
        assertEquals(status, Client.field(data, "status"));
        assertFalse(Client.verifies(data));
    }
}
