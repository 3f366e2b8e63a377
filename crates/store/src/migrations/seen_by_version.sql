-- Seen keys in the order of their versions. A read that walks along time appends
-- to one place then, where keys in their own order, which is none, would touch a
-- page of the database for each record.

CREATE TABLE seen_key_by_version (
    sync_id TEXT NOT NULL REFERENCES sync (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    version TEXT COLLATE {bytewise} NOT NULL,
    PRIMARY KEY (sync_id, version, key)
){clustered};

INSERT INTO seen_key_by_version (sync_id, key, version)
    SELECT sync_id, key, version FROM seen_key;

DROP TABLE seen_key;

ALTER TABLE seen_key_by_version RENAME TO seen_key;
