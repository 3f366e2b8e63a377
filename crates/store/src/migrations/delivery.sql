-- A destination: its headers and the signing key before the present one, sealed;
-- whether it wants order, and the last number given out; since when it has taken
-- nothing.
ALTER TABLE destination ADD COLUMN headers BYTEA;
ALTER TABLE destination ADD COLUMN previous_key BYTEA;
ALTER TABLE destination ADD COLUMN previous_key_until BIGINT;
ALTER TABLE destination ADD COLUMN ordered BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE destination ADD COLUMN last_seq BIGINT NOT NULL DEFAULT 0;
ALTER TABLE destination ADD COLUMN failing_since BIGINT;

-- A message: its number where order is wanted; the object that it waits to be
-- asked for with; the attempts made before its last replay; when attempts were
-- made (milliseconds, with commas between); the beginning of the last answer.
ALTER TABLE outbox ADD COLUMN seq BIGINT;
ALTER TABLE outbox ADD COLUMN hold_for TEXT;
ALTER TABLE outbox ADD COLUMN replayed_after INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN attempt_times TEXT;
ALTER TABLE outbox ADD COLUMN last_answer TEXT;

DROP INDEX outbox_due;
DROP INDEX outbox_project;
CREATE INDEX outbox_parallel ON outbox (destination_id, next_at) WHERE status = 'pending' AND seq IS NULL;
CREATE INDEX outbox_sequence ON outbox (destination_id, seq) WHERE status = 'pending' AND seq IS NOT NULL;
CREATE INDEX outbox_held ON outbox (installation_id, hold_for, create_time) WHERE status = 'held';
CREATE INDEX outbox_project ON outbox (project_id, status, create_time);

CREATE TABLE delivery_rate (
    project_id TEXT NOT NULL PRIMARY KEY REFERENCES project (id) ON DELETE CASCADE,
    second BIGINT NOT NULL,
    sent BIGINT NOT NULL
){clustered};
