-- What a refund keeps of its merchant's requests: the wish for no notices, and the newest signed requests, so that a copy
-- of an earlier one changes nothing.

ALTER TABLE refund ADD COLUMN not_notify BIGINT NOT NULL DEFAULT 0;
-- The newest reqTime, zero for none, and the beginnings of the digests of the requests with it, joined by blanks.
ALTER TABLE refund ADD COLUMN req_time BIGINT NOT NULL DEFAULT 0;
ALTER TABLE refund ADD COLUMN request_digests TEXT NOT NULL DEFAULT '';
