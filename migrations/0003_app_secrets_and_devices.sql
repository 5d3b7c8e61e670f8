-- The secret that an app had before its present one, sealed likewise: valid until a moment, so that a merchant can change
-- over without a request or a notice being refused. Both NULL: the app has one secret.
ALTER TABLE merchant_app ADD COLUMN old_secret TEXT;
ALTER TABLE merchant_app ADD COLUMN old_secret_until BIGINT;

-- Hosts that a request's notifyUrl may name, separated by spaces: names, or endings that begin with a dot. Empty: any.
ALTER TABLE merchant_app ADD COLUMN notify_hosts TEXT NOT NULL DEFAULT '';

-- Browsers from which an operator has logged in. Their failed logins are counted apart, so that nobody at the same
-- address locks the operator out. The key is a digest of what the browser holds.
CREATE TABLE known_device (
    device_id  TEXT   NOT NULL,
    operator   TEXT   NOT NULL,
    used_at    BIGINT NOT NULL,
    PRIMARY KEY (device_id, operator)
);
CREATE INDEX known_device_operator ON known_device (operator, used_at);
CREATE INDEX known_device_age ON known_device (used_at);
