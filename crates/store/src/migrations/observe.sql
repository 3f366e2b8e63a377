-- Up to when a sync has brought everything: what its freshness is measured by.
ALTER TABLE sync ADD COLUMN fresh_at BIGINT;
CREATE INDEX sync_fresh ON sync (fresh_at) WHERE fresh_at IS NOT NULL;
-- Counting what waits, and its age, must not read the bodies.
CREATE INDEX outbox_pending ON outbox (create_time) WHERE status = 'pending';
CREATE INDEX outbox_dead ON outbox (create_time) WHERE status = 'dead';
