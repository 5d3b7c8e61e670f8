package refundry.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import org.dromara.daxpay.sdk.code.SignTypeEnum;
import org.dromara.daxpay.sdk.net.DaxPayConfig;
import org.dromara.daxpay.sdk.net.DaxPayKit;
import org.dromara.daxpay.sdk.net.DaxPayRequest;
import org.dromara.daxpay.sdk.param.trade.refund.RefundParam;
import org.dromara.daxpay.sdk.response.DaxResult;

/** Calls of the client that more than one test makes. */
final class Client {
    static final DaxPayKit KIT = kit(Desk.SECRET);

    private Client() {}

    static DaxPayKit kit(String secret) {
        return new DaxPayKit(DaxPayConfig.builder()
                .serviceUrl(Desk.URL)
                .mchNo(Desk.MERCHANT)
                .appId(Desk.APP)
                .signSecret(secret)
                .signType(SignTypeEnum.HMAC_SHA256)
                .build());
    }

    static RefundParam refundOf(Order order, String yuan) {
        RefundParam request = new RefundParam()
                .setOrderNo(order.orderNo())
                .setBizRefundNo("R" + Desk.unique())
                .setAmount(new BigDecimal(yuan));
        request.setClientIp("127.0.0.1");
        return request;
    }

    /** Sends a request, checks that it was accepted and that the client verifies the answer. */
    static <T> T accepted(DaxPayRequest<T> request) {
        DaxResult<T> answer = KIT.execute(request);
        assertEquals(0, answer.getCode(), answer.getMsg());
        assertTrue(verifies(answer), "signature");
        assertNotNull(answer.getData());
        return answer.getData();
    }

    /** Sends a request, checks that it was refused and that the client verifies the answer. */
    static void assertRefused(int code, String why, DaxPayRequest<?> request) {
        DaxResult<?> answer = KIT.execute(request);
        assertEquals(code, answer.getCode(), answer.getMsg());
        assertTrue(answer.getMsg().contains(why), answer.getMsg());
        assertNull(answer.getData());
        assertTrue(verifies(answer), "signature");
    }

    /** Tells whether the client's own check finds the signature right. It takes a missing one for right. */
    static boolean verifies(DaxResult<?> answer) {
        assertNotNull(answer.getSign());
        return KIT.verifySign(answer);
    }
}
