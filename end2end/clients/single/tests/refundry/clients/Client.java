package refundry.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cn.daxpay.single.sdk.code.SignTypeEnum;
import cn.daxpay.single.sdk.model.refund.RefundModel;
import cn.daxpay.single.sdk.net.DaxPayConfig;
import cn.daxpay.single.sdk.net.DaxPayKit;
import cn.daxpay.single.sdk.net.DaxPayRequest;
import cn.daxpay.single.sdk.net.DaxPayResponseModel;
import cn.daxpay.single.sdk.param.refund.RefundParam;
import cn.daxpay.single.sdk.response.DaxPayResult;
import cn.daxpay.single.sdk.util.PaySignUtil;
import java.util.Arrays;

/** Calls of the client that more than one test makes. */
final class Client {
    private Client() {}

    static void useSecret(String secret) {
        useSecret(secret, SignTypeEnum.HMAC_SHA256);
    }

    static void useSecret(String secret, SignTypeEnum signType) {
        DaxPayKit.initConfig(DaxPayConfig.builder()
                .serviceUrl(Desk.URL)
                .signSecret(secret)
                .signType(signType)
                .build());
    }

    static RefundParam refundOf(Order order, int fen) {
        RefundParam request = new RefundParam();
        request.setOrderNo(order.orderNo());
        request.setBizRefundNo("R" + Desk.unique());
        request.setAmount(fen);
        request.setClientIp("127.0.0.1");
        return request;
    }

    /** Refunds 1250 fen of a new order, and checks that the request was accepted. */
    static RefundModel refund(String behaviour) {
        return accepted(refundOf(Desk.order(behaviour, 9960), 1250));
    }

    /** Sends a request and checks that it was accepted. */
    static <T extends DaxPayResponseModel> T accepted(DaxPayRequest<T> request) {
        DaxPayResult<T> answer = DaxPayKit.execute(request);
        assertEquals(0, answer.getCode(), answer.getMsg());
        assertNotNull(answer.getData());
        assertEquals(0, answer.getData().getCode(), answer.getData().getMsg());
        return answer.getData();
    }

    /** Sends a request and checks that the business refused it: the code stands inside the signed data. */
    static void assertRefused(int code, String why, DaxPayRequest<? extends DaxPayResponseModel> request) {
        DaxPayResult<? extends DaxPayResponseModel> answer = DaxPayKit.execute(request);
        assertEquals(0, answer.getCode(), answer.getMsg());
        assertNotNull(answer.getData());
        assertEquals(code, answer.getData().getCode(), answer.getData().getMsg());
        assertTrue(answer.getData().getMsg().contains(why), answer.getData().getMsg());
        assertTrue(verifies(answer.getData()), "signature");
    }

    /** Tells whether the client's own check finds the signature of an answer right. */
    static boolean verifies(DaxPayResponseModel data) {
        assertNotNull(data.getSign());
        return PaySignUtil.verifyHmacSha256Sign(data, Desk.SECRET, data.getSign());
    }

    /** Returns a field as the client signs it; null where the model has no such field, or no value. */
    static String field(Object model, String name) {
        return PaySignUtil.toMap(model).get(name);
    }

    static boolean hasField(Class<?> model, String name) {
        return Arrays.stream(model.getDeclaredFields()).anyMatch(field -> field.getName().equals(name));
    }
}
