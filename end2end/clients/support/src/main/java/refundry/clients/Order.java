package refundry.clients;

import java.math.BigDecimal;

/** A recorded order. */
public record Order(String orderNo, String bizOrderNo, String outOrderNo, long amountFen) {
    /** Returns the amount as the open edition signs it: without trailing zeros, 12.5 for example. */
    public String amountYuan() {
        return new BigDecimal(amountFen).movePointLeft(2).stripTrailingZeros().toPlainString();
    }
}
