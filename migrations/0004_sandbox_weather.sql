-- How an app's line to the sandbox is: fine where there is no row. Like the sandbox's book, nothing but
-- the sandbox reads or writes it.
CREATE TABLE sandbox_weather (
    app_id   TEXT   NOT NULL PRIMARY KEY REFERENCES merchant_app (app_id),
    weather  TEXT   NOT NULL,
    -- How often the channel was called in it.
    calls    BIGINT NOT NULL
);
