-- What lets refunds settle themselves: when a channel is to be asked next, notices to merchants,
-- breakers of channels that do not answer, and what the console's pages of these look up.

-- Since when a refund is in progress: when it was asked for, taken up again or found open again.
ALTER TABLE refund ADD COLUMN opened_at BIGINT NOT NULL DEFAULT 0;
-- When its channel is to be asked without anyone's help. NULL: not to be asked any more.
ALTER TABLE refund ADD COLUMN next_sync_at BIGINT;
-- A person has looked at what `attention` tells.
ALTER TABLE refund ADD COLUMN reviewed BIGINT NOT NULL DEFAULT 0;
UPDATE refund SET opened_at = submitted_at;
UPDATE refund SET next_sync_at = submitted_at + 120000 WHERE status = 'progress';

CREATE INDEX refund_due ON refund (app_id, channel, next_sync_at) WHERE next_sync_at IS NOT NULL;
CREATE INDEX refund_open ON refund (app_id, opened_at, refund_no) WHERE status = 'progress';
DROP INDEX refund_attention;
CREATE INDEX refund_attention ON refund (app_id, created_at, refund_no) WHERE attention IS NOT NULL AND reviewed = 0;

-- A channel that does not answer an app: asked gently until it does. No row: it answers.
CREATE TABLE breaker (
    app_id     TEXT   NOT NULL REFERENCES merchant_app (app_id),
    channel    TEXT   NOT NULL,
    opened_at  BIGINT NOT NULL,
    -- Probes in a row that were not answered.
    probes     BIGINT NOT NULL,
    probe_at   BIGINT NOT NULL,
    said       TEXT   NOT NULL,
    PRIMARY KEY (app_id, channel)
);

-- A notice: that a refund reached a state, as it was then. The rest of what is told does not change.
CREATE TABLE notice (
    app_id         TEXT   NOT NULL,
    refund_no      TEXT   NOT NULL,
    -- The version of the refund that it tells of: notices of one refund go out in this order.
    seq            BIGINT NOT NULL,
    status         TEXT   NOT NULL,
    out_refund_no  TEXT,
    finished_at    BIGINT,
    error_code     TEXT,
    error_msg      TEXT,
    state          TEXT   NOT NULL,
    sends          BIGINT NOT NULL,
    next_send_at   BIGINT,
    busy_until     BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    ended_at       BIGINT,
    PRIMARY KEY (app_id, refund_no, seq),
    FOREIGN KEY (app_id, refund_no) REFERENCES refund (app_id, refund_no)
);
CREATE INDEX notice_due ON notice (app_id, next_send_at) WHERE next_send_at IS NOT NULL;
CREATE INDEX notice_time ON notice (app_id, created_at, refund_no, seq);
CREATE INDEX notice_state ON notice (app_id, state, created_at, refund_no, seq);

-- Every send of a notice, with the bytes that went out and came back.
CREATE TABLE notice_send (
    app_id       TEXT   NOT NULL,
    refund_no    TEXT   NOT NULL,
    seq          BIGINT NOT NULL,
    send         BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    took_ms      BIGINT NOT NULL,
    actor        TEXT   NOT NULL,
    url          TEXT   NOT NULL,
    request      TEXT   NOT NULL,
    http_status  BIGINT,
    answer       TEXT,
    -- Why it did not arrive. NULL: it did.
    trouble      TEXT,
    PRIMARY KEY (app_id, refund_no, seq, send)
);

-- The same callback again is counted, not kept twice.
ALTER TABLE callback ADD COLUMN digest TEXT;
ALTER TABLE callback ADD COLUMN times BIGINT NOT NULL DEFAULT 1;
ALTER TABLE callback ADD COLUMN last_at BIGINT NOT NULL DEFAULT 0;
UPDATE callback SET last_at = received_at;
CREATE UNIQUE INDEX callback_digest ON callback (app_id, channel, digest) WHERE digest IS NOT NULL;
CREATE INDEX callback_time ON callback (app_id, received_at, callback_no);
CREATE INDEX callback_verdict ON callback (app_id, verdict, received_at, callback_no);
CREATE INDEX callback_refund ON callback (app_id, refund_no, received_at, callback_no) WHERE refund_no IS NOT NULL;

-- The sync records of the console.
CREATE INDEX event_sync ON event (app_id, at, number, seq) WHERE kind = 'sync';
