-- Manifests on their way: a place to upload to, and what was put there.

CREATE TABLE manifest_upload (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    md5 TEXT,
    body BYTEA,
    expires_at BIGINT NOT NULL,
    create_time BIGINT NOT NULL
);
CREATE INDEX manifest_upload_expiry ON manifest_upload (expires_at);
CREATE INDEX manifest_upload_project ON manifest_upload (project_id);
