-- Which running server holds which node number, and until when: numbers that two nodes make differ by it.
CREATE TABLE node (
    node         BIGINT NOT NULL PRIMARY KEY,
    host         TEXT   NOT NULL,
    holder       TEXT   NOT NULL,
    started_at   BIGINT NOT NULL,
    alive_until  BIGINT NOT NULL
);
