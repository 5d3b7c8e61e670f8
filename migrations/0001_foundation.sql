-- The whole of Refundry's storage, in the subset of SQL that SQLite and PostgreSQL share:
-- TEXT for words and numbers of papers, BIGINT for fen, epoch milliseconds and 0/1.
-- Keys begin with the app. Every index serves a named list, search or look-up of the console or
-- the gateway; tests/query_plans.rs holds them to it.

-- A merchant's app: who may ask, and how its requests are signed.
CREATE TABLE merchant_app (
    app_id              TEXT   NOT NULL PRIMARY KEY,
    name                TEXT   NOT NULL,
    mch_no              TEXT,
    secret              TEXT   NOT NULL,
    sign_type           TEXT   NOT NULL,
    enabled             BIGINT NOT NULL,
    is_default          BIGINT NOT NULL,
    sign_required       BIGINT NOT NULL,
    single_edition      BIGINT NOT NULL,
    edition             TEXT   NOT NULL,
    req_time_leeway_ms  BIGINT NOT NULL,
    notify_url          TEXT,
    created_at          BIGINT NOT NULL
);
CREATE UNIQUE INDEX merchant_app_default ON merchant_app (is_default) WHERE is_default = 1;

-- A merchant number at a channel, with what is needed to speak for it. In test mode the sandbox stands in for the
-- channel; which of the two it is never changes.
CREATE TABLE channel_account (
    account_id  TEXT   NOT NULL PRIMARY KEY,
    channel     TEXT   NOT NULL,
    mch_id      TEXT   NOT NULL,
    -- JSON, in the shape of the channel's adapter.
    settings    TEXT   NOT NULL,
    secrets     TEXT   NOT NULL,
    test_mode   BIGINT NOT NULL,
    enabled     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    CHECK (test_mode = 1 OR channel <> 'sandbox')
);
-- One merchant number twice could be refunded twice.
CREATE UNIQUE INDEX channel_account_mch ON channel_account (channel, mch_id, test_mode);

CREATE TABLE app_channel (
    app_id              TEXT   NOT NULL REFERENCES merchant_app (app_id),
    channel             TEXT   NOT NULL,
    account_id          TEXT   NOT NULL REFERENCES channel_account (account_id),
    enabled             BIGINT NOT NULL,
    refund_window_days  BIGINT NOT NULL,
    PRIMARY KEY (app_id, channel)
);

-- A payment order. The checks are the balance invariant: what we refund and hold stays within the amount. What a
-- channel paid out beyond that stands apart, in overpaid.
CREATE TABLE pay_order (
    app_id        TEXT   NOT NULL REFERENCES merchant_app (app_id),
    order_no      TEXT   NOT NULL,
    biz_order_no  TEXT   NOT NULL,
    out_order_no  TEXT,
    channel       TEXT   NOT NULL,
    account_id    TEXT   NOT NULL REFERENCES channel_account (account_id),
    method        TEXT,
    title         TEXT   NOT NULL,
    amount        BIGINT NOT NULL CHECK (amount > 0),
    refunded      BIGINT NOT NULL DEFAULT 0 CHECK (refunded >= 0),
    held          BIGINT NOT NULL DEFAULT 0 CHECK (held >= 0),
    overpaid      BIGINT NOT NULL DEFAULT 0 CHECK (overpaid >= 0),
    status        TEXT   NOT NULL,
    pay_time      BIGINT,
    attach        TEXT,
    -- What lists sort by: when the order was paid, or else when it was recorded. Never changed.
    created_at    BIGINT NOT NULL,
    -- When we learned of the order, by our clock.
    recorded_at   BIGINT NOT NULL,
    version       BIGINT NOT NULL,
    PRIMARY KEY (app_id, order_no),
    CHECK (refunded + held <= amount),
    CHECK (status = 'success' OR refunded + held + overpaid = 0)
);
CREATE UNIQUE INDEX pay_order_biz ON pay_order (app_id, biz_order_no);
-- One transaction at a channel account is one payment: told twice, by one app or by two, it could be refunded twice.
CREATE UNIQUE INDEX pay_order_paid ON pay_order (account_id, out_order_no) WHERE out_order_no IS NOT NULL;
CREATE INDEX pay_order_out ON pay_order (app_id, out_order_no) WHERE out_order_no IS NOT NULL;
CREATE INDEX pay_order_title ON pay_order (app_id, title, order_no);
-- The last column of these two lets a range of the other be told without reading the row.
CREATE INDEX pay_order_time ON pay_order (app_id, created_at, order_no, amount);
CREATE INDEX pay_order_amount ON pay_order (app_id, amount, order_no, created_at);
CREATE INDEX pay_order_status ON pay_order (app_id, status, created_at, order_no);
CREATE INDEX pay_order_channel ON pay_order (app_id, channel, created_at, order_no);
CREATE INDEX pay_order_channel_status ON pay_order (app_id, channel, status, created_at, order_no);
-- The refund side is derived, so its indexes are partial. Orders without refunds are the bulk: the
-- time index finds them.
CREATE INDEX pay_order_refunding ON pay_order (app_id, created_at, order_no)
    WHERE held > 0;
CREATE INDEX pay_order_partial ON pay_order (app_id, created_at, order_no)
    WHERE held = 0 AND refunded > 0 AND refunded < amount;
CREATE INDEX pay_order_refunded ON pay_order (app_id, created_at, order_no)
    WHERE held = 0 AND refunded >= amount;

-- A refund: an intent, settled by evidence.
CREATE TABLE refund (
    app_id         TEXT   NOT NULL,
    refund_no      TEXT   NOT NULL,
    biz_refund_no  TEXT   NOT NULL,
    -- In capitals, as the open edition signs it.
    biz_refund_key TEXT   NOT NULL,
    out_refund_no  TEXT,
    order_no       TEXT   NOT NULL,
    channel        TEXT   NOT NULL,
    account_id     TEXT   NOT NULL,
    amount         BIGINT NOT NULL CHECK (amount > 0),
    reason         TEXT,
    attach         TEXT,
    notify_url     TEXT,
    client_ip      TEXT,
    edition        TEXT   NOT NULL,
    status         TEXT   NOT NULL,
    review_reason  TEXT,
    -- A person has looked at what `review_reason` tells.
    reviewed       BIGINT NOT NULL,
    error_code     TEXT,
    error_msg      TEXT,
    created_at     BIGINT NOT NULL,
    -- Since when it is in progress: when it was asked for, submitted again or found open again.
    opened_at      BIGINT NOT NULL,
    -- By our clock.
    settled_at     BIGINT,
    -- By the channel's clock, as it states it.
    channel_time   BIGINT,
    version        BIGINT NOT NULL,
    PRIMARY KEY (app_id, refund_no),
    FOREIGN KEY (app_id, order_no) REFERENCES pay_order (app_id, order_no)
);
-- The idempotency key.
CREATE UNIQUE INDEX refund_biz ON refund (app_id, biz_refund_no);
-- The open edition's signature does not see case: a request that was listened in on could be sent again
-- with a number that differs in case alone, and must not become a second refund.
CREATE UNIQUE INDEX refund_biz_key ON refund (app_id, biz_refund_key);
CREATE INDEX refund_out ON refund (app_id, out_refund_no) WHERE out_refund_no IS NOT NULL;
CREATE INDEX refund_order ON refund (app_id, order_no, created_at);
CREATE INDEX refund_time ON refund (app_id, created_at, refund_no, amount);
CREATE INDEX refund_amount ON refund (app_id, amount, refund_no, created_at);
CREATE INDEX refund_status ON refund (app_id, status, created_at, refund_no);
CREATE INDEX refund_channel ON refund (app_id, channel, created_at, refund_no);
CREATE INDEX refund_channel_status ON refund (app_id, channel, status, created_at, refund_no);
CREATE INDEX refund_review ON refund (app_id, created_at, refund_no) WHERE review_reason IS NOT NULL AND reviewed = 0;
CREATE INDEX refund_overdue ON refund (opened_at, refund_no) WHERE status = 'progress' AND review_reason IS NULL;
CREATE INDEX refund_open ON refund (app_id, opened_at, refund_no) WHERE status = 'progress';

-- A submission of a refund to its channel account: one that went out, or one that waits to.
CREATE TABLE submission (
    app_id        TEXT   NOT NULL,
    refund_no     TEXT   NOT NULL,
    attempt       BIGINT NOT NULL CHECK (attempt > 0),
    account_id    TEXT   NOT NULL,
    channel_no    TEXT   NOT NULL,
    -- How many earlier submissions had the same number.
    repeat        BIGINT NOT NULL CHECK (repeat >= 0),
    -- What the channel is told: the same for every submission of one number.
    params        TEXT   NOT NULL,
    waits_for     TEXT,
    not_before    BIGINT NOT NULL,
    submitted_at  BIGINT,
    outcome       TEXT,
    answered_at   BIGINT,
    said          TEXT,
    -- When it is to go out, or its channel to be asked. NULL: no more. Only the last of a refund has one.
    due_at        BIGINT,
    leased_until  BIGINT NOT NULL,
    lease_no      BIGINT NOT NULL,
    PRIMARY KEY (app_id, refund_no, attempt),
    FOREIGN KEY (app_id, refund_no) REFERENCES refund (app_id, refund_no),
    CHECK ((waits_for IS NULL) = (submitted_at IS NOT NULL))
);
-- A number is of one refund. Callbacks look here.
CREATE UNIQUE INDEX submission_number ON submission (account_id, channel_no, repeat);
CREATE INDEX submission_due ON submission (account_id, due_at) WHERE due_at IS NOT NULL;

-- A channel that does not answer an account: asked gently until it does. No row: it answers.
CREATE TABLE breaker (
    account_id TEXT   NOT NULL PRIMARY KEY REFERENCES channel_account (account_id),
    opened_at  BIGINT NOT NULL,
    -- Probes in a row that were not answered.
    probes     BIGINT NOT NULL,
    probe_at   BIGINT NOT NULL,
    said       TEXT   NOT NULL
);

-- A notice: that a refund reached a state, as it was then. What else it tells of does not change.
CREATE TABLE notice (
    app_id         TEXT   NOT NULL,
    refund_no      TEXT   NOT NULL,
    -- The version of the refund that it tells of: notices of one refund go out in this order.
    seq            BIGINT NOT NULL,
    status         TEXT   NOT NULL,
    out_refund_no  TEXT,
    finish_time    BIGINT,
    error_code     TEXT,
    error_msg      TEXT,
    state          TEXT   NOT NULL,
    attempts       BIGINT NOT NULL,
    next_send_at   BIGINT,
    leased_until   BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    ended_at       BIGINT,
    PRIMARY KEY (app_id, refund_no, seq),
    FOREIGN KEY (app_id, refund_no) REFERENCES refund (app_id, refund_no)
);
CREATE INDEX notice_due ON notice (app_id, next_send_at) WHERE next_send_at IS NOT NULL;
CREATE INDEX notice_time ON notice (app_id, created_at, refund_no, seq);
CREATE INDEX notice_state ON notice (app_id, state, created_at, refund_no, seq);

-- Every attempt to deliver a notice, with the bytes that went out and came back.
CREATE TABLE delivery_attempt (
    app_id       TEXT   NOT NULL,
    refund_no    TEXT   NOT NULL,
    seq          BIGINT NOT NULL,
    attempt      BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    took_ms      BIGINT NOT NULL,
    actor        TEXT   NOT NULL,
    url          TEXT   NOT NULL,
    request      TEXT   NOT NULL,
    http_status  BIGINT,
    answer       TEXT,
    -- Why it did not arrive. NULL: it did.
    failure      TEXT,
    PRIMARY KEY (app_id, refund_no, seq, attempt)
);

-- For the clean-up of old ones.
CREATE INDEX delivery_attempt_age ON delivery_attempt (at);

-- Each change of an order's balance. Only ever added to: the order's held, refunded and overpaid amounts are the sums.
CREATE TABLE movement (
    app_id     TEXT   NOT NULL,
    order_no   TEXT   NOT NULL,
    refund_no  TEXT   NOT NULL,
    -- The version of the refund that it belongs to.
    seq        BIGINT NOT NULL,
    kind       TEXT   NOT NULL,
    held       BIGINT NOT NULL,
    refunded   BIGINT NOT NULL,
    overpaid   BIGINT NOT NULL,
    -- What it was booked on: request, answer, callback, sync, operator.
    evidence   TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (app_id, order_no, refund_no, seq)
);

-- The timeline of orders and refunds. Only ever added to, until what is old goes.
CREATE TABLE event (
    app_id   TEXT   NOT NULL,
    subject  TEXT   NOT NULL,
    number   TEXT   NOT NULL,
    seq      BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    kind     TEXT   NOT NULL,
    actor    TEXT   NOT NULL,
    outcome  TEXT,
    said     TEXT,
    before   TEXT,
    after    TEXT,
    PRIMARY KEY (app_id, subject, number, seq)
);
-- The sync records of the console are of refunds. What changed a state is indexed apart: most change nothing.
CREATE INDEX event_sync ON event (app_id, subject, at, number, seq) WHERE kind = 'sync';
CREATE INDEX event_sync_outcome ON event (app_id, subject, outcome, at, number, seq) WHERE kind = 'sync';
CREATE INDEX event_sync_changed ON event (app_id, subject, at, number, seq) WHERE kind = 'sync' AND before <> after;
CREATE INDEX event_sync_changed_outcome ON event (app_id, subject, outcome, at, number, seq)
    WHERE kind = 'sync' AND before <> after;

-- For the clean-up of old ones.
CREATE INDEX event_age ON event (at) WHERE subject = 'refund';

-- What channels called back with, as it came. The same again is counted, not kept twice.
CREATE TABLE callback (
    app_id       TEXT   NOT NULL,
    callback_no  TEXT   NOT NULL,
    channel      TEXT   NOT NULL,
    account_id   TEXT   NOT NULL,
    received_at  BIGINT NOT NULL,
    headers      TEXT   NOT NULL,
    body         TEXT   NOT NULL,
    verdict      TEXT   NOT NULL,
    refund_no    TEXT,
    digest       TEXT,
    times        BIGINT NOT NULL,
    last_at      BIGINT NOT NULL,
    PRIMARY KEY (app_id, callback_no)
);
CREATE UNIQUE INDEX callback_digest ON callback (app_id, account_id, digest) WHERE digest IS NOT NULL;
-- For the clean-up of old ones.
CREATE INDEX callback_age ON callback (last_at);
CREATE INDEX callback_time ON callback (app_id, received_at, callback_no);
CREATE INDEX callback_verdict ON callback (app_id, verdict, received_at, callback_no);
CREATE INDEX callback_refund ON callback (app_id, refund_no, received_at, callback_no) WHERE refund_no IS NOT NULL;
CREATE INDEX callback_channel ON callback (app_id, channel, received_at, callback_no);
CREATE INDEX callback_channel_verdict ON callback (app_id, channel, verdict, received_at, callback_no);

-- Every act of an operator, a merchant or the command line. Rows are added in the act's own transaction, without a
-- place in the chain; sealing gives them one. Never changed after that, and never deleted.
CREATE TABLE audit (
    -- Time-ordered and random.
    audit_id   TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    actor      TEXT   NOT NULL,
    address    TEXT,
    -- *: of no app.
    app_id     TEXT   NOT NULL,
    action     TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    number     TEXT   NOT NULL,
    before     TEXT,
    after      TEXT,
    -- NULL: not sealed yet.
    sealed_no  BIGINT,
    hash       TEXT,
    PRIMARY KEY (app_id, at, audit_id)
);
CREATE UNIQUE INDEX audit_sealed ON audit (sealed_no) WHERE sealed_no IS NOT NULL;
CREATE INDEX audit_unsealed ON audit (at, audit_id) WHERE sealed_no IS NULL;
CREATE INDEX audit_action ON audit (app_id, action, at, audit_id);
CREATE INDEX audit_actor ON audit (app_id, actor, at, audit_id);

-- The end of the chain, one row; none while nothing is sealed.
CREATE TABLE audit_head (
    id         BIGINT NOT NULL PRIMARY KEY,
    sealed_no  BIGINT NOT NULL,
    hash       TEXT   NOT NULL
);

-- The people at the desk.
CREATE TABLE operator (
    name           TEXT   NOT NULL PRIMARY KEY,
    -- PHC string; or the word demo, which lets in with a published password, and in a
    -- demonstration only.
    password_hash  TEXT   NOT NULL,
    enabled        BIGINT NOT NULL,
    created_at     BIGINT NOT NULL
);

-- The role that an operator has: at one app, or, where app_id is *, at all apps that have no row of
-- their own.
CREATE TABLE operator_grant (
    operator  TEXT   NOT NULL REFERENCES operator (name),
    app_id    TEXT   NOT NULL,
    role      TEXT   NOT NULL,
    PRIMARY KEY (operator, app_id)
);

-- Failed logins in a row, of names that exist and names that do not: who is locked out must not
-- tell which names there are. By name and address, so that nobody locks out another. An IPv6 address
-- stands as its /64 network. Rows older than the lock-out are void.
CREATE TABLE login_failure (
    name      TEXT   NOT NULL,
    address   TEXT   NOT NULL,
    failures  BIGINT NOT NULL,
    last_at   BIGINT NOT NULL,
    PRIMARY KEY (name, address)
);
CREATE INDEX login_failure_age ON login_failure (last_at);

-- Logins that last. The key is a digest of what the browser holds, so that a copy of the database
-- logs nobody in.
CREATE TABLE session (
    session_id  TEXT   NOT NULL PRIMARY KEY,
    operator    TEXT   NOT NULL,
    data        TEXT   NOT NULL,
    -- Put off by use, to ends_at at most.
    expires_at  BIGINT NOT NULL,
    ends_at     BIGINT NOT NULL
);
CREATE INDEX session_expiry ON session (expires_at);
CREATE INDEX session_operator ON session (operator);

-- The running servers and the node numbers that they hold, each until a moment: numbers that two nodes make
-- differ by it.
CREATE TABLE node (
    node         BIGINT NOT NULL PRIMARY KEY,
    host         TEXT   NOT NULL,
    holder       TEXT   NOT NULL,
    started_at   BIGINT NOT NULL,
    alive_until  BIGINT NOT NULL
);

-- One row, written now and then to see whether the database takes writes.
CREATE TABLE write_check (
    id      BIGINT NOT NULL PRIMARY KEY,
    at      BIGINT NOT NULL,
    filler  TEXT   NOT NULL
);

-- The sandbox channel's own ledger. Nothing but the sandbox reads or writes it.
CREATE TABLE sandbox_ledger (
    refund_no    TEXT   NOT NULL PRIMARY KEY,
    account_id   TEXT   NOT NULL,
    out_order_no TEXT   NOT NULL,
    amount       BIGINT NOT NULL,
    -- What becomes of it: success, fail, close; or unseen, when no submission got through yet.
    outcome      TEXT   NOT NULL,
    settles_at   BIGINT NOT NULL,
    submissions  BIGINT NOT NULL,
    moved        BIGINT NOT NULL
);

-- The faults of an account's line to the sandbox; none where there is no row.
CREATE TABLE sandbox_faults (
    account_id  TEXT   NOT NULL PRIMARY KEY REFERENCES channel_account (account_id),
    faults      TEXT   NOT NULL,
    -- Calls of the channel while it was so.
    calls       BIGINT NOT NULL
);
