-- A bucket is one row now, its ledger JSON, changed by compare-and-set. What the
-- tables before had counted does not carry over.
DROP TABLE budget_slot;
DROP TABLE budget_bucket;

CREATE TABLE budget_bucket (
    bucket TEXT NOT NULL PRIMARY KEY,
    provider TEXT NOT NULL,
    resource_group TEXT NOT NULL,
    provider_app_id TEXT,
    connection_id TEXT,
    ledger TEXT NOT NULL,
    version BIGINT NOT NULL,
    look_at BIGINT,
    touched_at BIGINT NOT NULL
);
CREATE INDEX budget_bucket_look ON budget_bucket (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX budget_bucket_connection ON budget_bucket (connection_id)
    WHERE connection_id IS NOT NULL;

-- No reference to the installation: deleting one locks it before its work, and
-- calling up locks work before it writes here.
CREATE TABLE budget_turn (
    bucket TEXT NOT NULL REFERENCES budget_bucket (bucket) ON DELETE CASCADE,
    installation_id TEXT NOT NULL,
    served_at BIGINT NOT NULL,
    PRIMARY KEY (bucket, installation_id)
);

CREATE TABLE budget_share (
    bucket TEXT NOT NULL,
    installation_id TEXT NOT NULL,
    leaves_at BIGINT NOT NULL,
    interactive BIGINT NOT NULL,
    scheduled BIGINT NOT NULL,
    backfill BIGINT NOT NULL,
    PRIMARY KEY (bucket, installation_id, leaves_at)
);
CREATE INDEX budget_share_leaves ON budget_share (leaves_at);

-- The bucket that due work waits for, and the calls promised to work that has
-- waited.
ALTER TABLE work ADD COLUMN waits_for TEXT;
ALTER TABLE work ADD COLUMN waits_lane INTEGER;
ALTER TABLE work ADD COLUMN waits_since BIGINT;
ALTER TABLE work ADD COLUMN passes INTEGER NOT NULL DEFAULT 0;
DROP INDEX work_due;
CREATE INDEX work_due ON work (lane, next_at) WHERE next_at IS NOT NULL AND waits_for IS NULL;
CREATE INDEX work_waiting ON work (waits_for, waits_lane, waits_since)
    WHERE waits_for IS NOT NULL;
CREATE INDEX work_promised ON work (next_at)
    WHERE passes > 0 AND next_at IS NOT NULL AND waits_for IS NULL;
