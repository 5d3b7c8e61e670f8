-- What the console's lists of callbacks and sync records look up.

CREATE INDEX callback_channel ON callback (app_id, channel, received_at, callback_no);
CREATE INDEX callback_channel_verdict ON callback (app_id, channel, verdict, received_at, callback_no);

-- Sync records are of refunds; what changed a state is told apart, since most change nothing.
DROP INDEX event_sync;
CREATE INDEX event_sync ON event (app_id, subject, at, number, seq) WHERE kind = 'sync';
CREATE INDEX event_sync_finding ON event (app_id, subject, finding, at, number, seq) WHERE kind = 'sync';
CREATE INDEX event_sync_changed ON event (app_id, subject, at, number, seq) WHERE kind = 'sync' AND before <> after;
CREATE INDEX event_sync_changed_finding ON event (app_id, subject, finding, at, number, seq)
    WHERE kind = 'sync' AND before <> after;
