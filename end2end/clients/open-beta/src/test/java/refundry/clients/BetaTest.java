package refundry.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cn.hutool.core.lang.TypeReference;
import java.math.BigDecimal;
import java.util.stream.Stream;
import org.dromara.daxpay.single.sdk.code.SignTypeEnum;
import org.dromara.daxpay.single.sdk.model.trade.refund.RefundOrderModel;
import org.dromara.daxpay.single.sdk.net.DaxPayConfig;
import org.dromara.daxpay.single.sdk.net.DaxPayKit;
import org.dromara.daxpay.single.sdk.net.DaxPayRequest;
import org.dromara.daxpay.single.sdk.param.trade.pay.PayQueryParam;
import org.dromara.daxpay.single.sdk.param.trade.pay.PaySyncParam;
import org.dromara.daxpay.single.sdk.param.trade.refund.RefundParam;
import org.dromara.daxpay.single.sdk.param.trade.refund.RefundQueryParam;
import org.dromara.daxpay.single.sdk.param.trade.refund.RefundSyncParam;
import org.dromara.daxpay.single.sdk.response.DaxPayResult;
import org.dromara.daxpay.single.sdk.util.JsonUtil;
import org.dromara.daxpay.single.sdk.util.PaySignUtil;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The betas of 3.0, up to beta4, sign the text without upper-casing it: neither side verifies the other. */
class BetaTest {
    static Stream<DaxPayRequest<?>> requests() {
        Order order = Desk.order("OK", 9960);
        return Stream.of(
                new RefundParam()
                        .setOrderNo(order.orderNo())
                        .setBizRefundNo("R" + Desk.unique())
                        .setAmount(new BigDecimal("12.50")),
                new RefundQueryParam().setRefundNo("R1"),
                new RefundSyncParam().setRefundNo("R1"),
                new PayQueryParam().setOrderNo(order.orderNo()),
                new PaySyncParam().setOrderNo(order.orderNo()));
    }

    @ParameterizedTest
    @MethodSource("requests")
    void aRequestIsRefusedAndTheReasonTold(DaxPayRequest<?> request) {
        DaxPayKit.initConfig(DaxPayConfig.builder()
                .serviceUrl(Desk.URL)
                .appId(Desk.APP)
                .signSecret(Desk.SECRET)
                .signType(SignTypeEnum.HMAC_SHA256)
                .build());
        DaxPayResult<?> answer = DaxPayKit.execute(request);
        assertEquals(20052, answer.getCode(), answer.getMsg());
        assertTrue(answer.getMsg().contains("大写"), answer.getMsg());
        assertNull(answer.getData());
        assertNull(answer.getSign());
    }

    @Test
    void aNoticeDoesNotVerify() {
        try (Receiver receiver = new Receiver()) {
            Desk.refund(Desk.order("OK", 9960), "R" + Desk.unique(), "12.5", receiver.url());
            DaxPayResult<RefundOrderModel> notice =
                    JsonUtil.toBean(receiver.await(), new TypeReference<DaxPayResult<RefundOrderModel>>() {});
            assertEquals("success", notice.getData().getStatus());
            assertNotNull(notice.getSign());
            assertFalse(PaySignUtil.verifyHmacSha256Sign(notice, Desk.SECRET, notice.getSign()));
        }
    }
}
