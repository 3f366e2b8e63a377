-- What the life of a sync needs besides its progress.

-- Begins nothing of its own accord, and what is under way rests.
ALTER TABLE sync ADD COLUMN paused BOOLEAN NOT NULL DEFAULT FALSE;
-- The last run was given up.
ALTER TABLE sync ADD COLUMN failed BOOLEAN NOT NULL DEFAULT FALSE;
-- What was read belongs to another account: the backfill is to be begun anew.
ALTER TABLE sync ADD COLUMN backfill_due BOOLEAN NOT NULL DEFAULT FALSE;
-- The object's last definition, once the manifest has it no longer: JSON.
ALTER TABLE sync ADD COLUMN definition TEXT;

-- Objects that are added begin paused.
ALTER TABLE installation ADD COLUMN reads_paused BOOLEAN NOT NULL DEFAULT FALSE;
-- The revision that its reads were last brought in line with.
ALTER TABLE installation ADD COLUMN reconciled_revision_id TEXT;
-- Follows from its connection and its syncs.
ALTER TABLE installation DROP COLUMN health_status;

CREATE INDEX outbox_installation ON outbox (installation_id);
