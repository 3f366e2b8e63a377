-- Whether calls that are passed on for a project are kept as operations.
ALTER TABLE project ADD COLUMN keeps_proxied BOOLEAN NOT NULL DEFAULT TRUE;
-- How long a write that takes more records is tried once it takes none any more.
-- Only from then on it has a deadline.
ALTER TABLE write_job ADD COLUMN tried_for_ms BIGINT;
