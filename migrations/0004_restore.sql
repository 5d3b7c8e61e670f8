-- Restoring from a backup, and the schedule of backups.

-- The marks of a database that was restored from a backup. While one has no end, the database is in restored mode:
-- refunds are written down and channels are asked, and nothing is submitted, since the channels may have paid what is
-- not known here.
CREATE TABLE restoration (
    -- When the backup was taken. What happened from then on is not in this database.
    taken_at  BIGINT NOT NULL PRIMARY KEY,
    -- Who took the backup, or marked the database by hand.
    begun_by  TEXT   NOT NULL,
    ended_at  BIGINT,
    ended_by  TEXT,
    note      TEXT,
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);

-- The refunds that wait for the end of restored mode.
CREATE INDEX submission_restored ON submission (app_id, refund_no) WHERE waits_for = 'restored';

-- The scheduled backups, one row.
CREATE TABLE backup_schedule (
    id            BIGINT NOT NULL PRIMARY KEY,
    -- When the last one was taken; NULL before the first.
    taken_at      BIGINT,
    -- Until then the node that takes the next one has it to itself.
    leased_until  BIGINT NOT NULL
);
