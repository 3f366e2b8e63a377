CREATE TABLE install_link (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    integration_id TEXT NOT NULL,
    group_ref TEXT NOT NULL,
    group_name TEXT,
    consumer_ref TEXT NOT NULL,
    consumer_name TEXT,
    theme TEXT NOT NULL,
    created_by TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoke_time BIGINT,
    create_time BIGINT NOT NULL
);
CREATE INDEX install_link_group ON install_link (project_id, group_ref, id);
CREATE INDEX install_link_end ON install_link (expires_at);
