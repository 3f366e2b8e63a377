-- What is kept, for how long, and how much of it.

-- Results too big for a row lie in the object store.
ALTER TABLE outbox ADD COLUMN object_key TEXT;
-- What it takes to keep a message, in the row and outside.
ALTER TABLE outbox ADD COLUMN bytes BIGINT NOT NULL DEFAULT 0;
UPDATE outbox SET bytes = length(body) + COALESCE(length(envelope), 0);

CREATE INDEX outbox_waiting ON outbox (bytes) WHERE status IN ('pending', 'held');
CREATE INDEX outbox_settled ON outbox (status, update_time) WHERE status IN ('delivered', 'dead');
CREATE INDEX outbox_object ON outbox (object_key) WHERE object_key IS NOT NULL;
CREATE INDEX operation_ended ON operation ((COALESCE(update_time, create_time)))
    WHERE status <> 'in_progress';

-- Objects that no message names: about to be named, or to be deleted. A message
-- that goes, by whatever way, leaves its object here (a trigger sees to it).
CREATE TABLE loose_object (
    key TEXT NOT NULL PRIMARY KEY,
    loose_since BIGINT NOT NULL,
    doomed BOOLEAN NOT NULL
);
CREATE INDEX loose_object_due ON loose_object (loose_since);

-- Written to now and then, to learn whether the database takes writes.
CREATE TABLE probe (
    id INTEGER NOT NULL PRIMARY KEY,
    body BYTEA NOT NULL
);
INSERT INTO probe (id, body) VALUES (1, '');
