-- Reads that somebody asked for: they wait for their turn here. A range is JSON
-- with the times as they were asked for, which may be finer than a millisecond.

ALTER TABLE sync ADD COLUMN range TEXT;

CREATE TABLE triggered_read (
    operation_id TEXT NOT NULL PRIMARY KEY REFERENCES operation (id) ON DELETE CASCADE,
    sync_id TEXT NOT NULL REFERENCES sync (id) ON DELETE CASCADE,
    range TEXT NOT NULL
);
CREATE INDEX triggered_read_queue ON triggered_read (sync_id, operation_id);
