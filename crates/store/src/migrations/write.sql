-- Writes. Each is an operation, and has a row for each of its records. What a
-- record was to be is sealed, and forgotten once it is known what came of it.

CREATE TABLE write_job (
    id TEXT NOT NULL PRIMARY KEY REFERENCES operation (id) ON DELETE CASCADE,
    installation_id TEXT NOT NULL REFERENCES installation (id) ON DELETE CASCADE,
    object_name TEXT NOT NULL,
    -- As the request named the object.
    named TEXT NOT NULL,
    action TEXT NOT NULL,
    -- Whether somebody waits for the answer.
    is_sync BOOLEAN NOT NULL,
    is_batch BOOLEAN NOT NULL,
    -- Whether more records may be added to it.
    is_open BOOLEAN NOT NULL,
    -- The connection's inputs when it was asked for, JSON.
    inputs TEXT NOT NULL,
    deadline_at BIGINT
);
CREATE INDEX write_job_installation ON write_job (installation_id, object_name);
CREATE UNIQUE INDEX write_job_open ON write_job (installation_id, object_name, action)
    WHERE is_open;

CREATE TABLE write_record (
    id TEXT NOT NULL PRIMARY KEY,
    job_id TEXT NOT NULL REFERENCES write_job (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    -- waiting, sent, lost (sent, and nobody knows what came of it), made, failed
    state TEXT NOT NULL,
    payload BYTEA,
    sent_at BIGINT,
    attempts INTEGER NOT NULL,
    -- The provider's identifier of what was written.
    record_id TEXT,
    -- What was answered, where it may be asked for again.
    data TEXT,
    error TEXT,
    raw_response TEXT
);
CREATE UNIQUE INDEX write_record_position ON write_record (job_id, position);
CREATE INDEX write_record_under_way ON write_record (job_id) WHERE state = 'sent';

-- Requests that are answered as they were the first time. Both digests are SHA-256.
CREATE TABLE write_key (
    installation_id TEXT NOT NULL REFERENCES installation (id) ON DELETE CASCADE,
    key_digest TEXT NOT NULL,
    request_digest TEXT NOT NULL,
    job_id TEXT NOT NULL REFERENCES write_job (id) ON DELETE CASCADE,
    PRIMARY KEY (installation_id, key_digest)
);
CREATE INDEX write_key_job ON write_key (job_id);
