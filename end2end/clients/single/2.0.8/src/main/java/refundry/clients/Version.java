package refundry.clients;

import cn.daxpay.single.sdk.net.DaxPayRequest;
import cn.daxpay.single.sdk.net.DaxPayResponseModel;
import cn.daxpay.single.sdk.param.pay.PaySyncParam;
import cn.daxpay.single.sdk.param.refund.RefundParam;
import cn.daxpay.single.sdk.param.refund.RefundSyncParam;

/** Differences between 2.0.8 and the other versions. */
final class Version {
    /** True where the model of a notice has every field that is signed: the check succeeds. */
    static final boolean VERIFIES_NOTICES = true;
    /** True where the model of an order has every field that is signed. */
    static final boolean VERIFIES_ORDER_QUERIES = true;

    private Version() {}

    /** Makes a refund sync by one of two numbers; the other is null. */
    static DaxPayRequest<? extends DaxPayResponseModel> refundSync(String refundNo, String bizRefundNo) {
        RefundSyncParam request = new RefundSyncParam();
        request.setRefundNo(refundNo);
        request.setBizRefundNo(bizRefundNo);
        return request;
    }

    /** Makes an order sync by one of two numbers; the other is null. */
    static DaxPayRequest<? extends DaxPayResponseModel> orderSync(String orderNo, String bizOrderNo) {
        PaySyncParam request = new PaySyncParam();
        request.setOrderNo(orderNo);
        request.setBizOrderNo(bizOrderNo);
        return request;
    }

    /** Asks for no notice. Returns false where this client cannot. */
    static boolean askForNoNotice(RefundParam request) {
        return false;
    }
}
