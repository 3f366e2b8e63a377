-- Identifiers are UUIDs as text, times are milliseconds since 1970, JSON is text.

CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value BYTEA NOT NULL
);

CREATE TABLE organization (
    id TEXT NOT NULL PRIMARY KEY,
    label TEXT NOT NULL,
    create_time BIGINT NOT NULL
);

CREATE TABLE project (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
    name TEXT NOT NULL UNIQUE,
    app_name TEXT NOT NULL,
    create_time BIGINT NOT NULL,
    update_time BIGINT
);

CREATE TABLE api_key (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    label TEXT,
    scopes TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    create_time BIGINT NOT NULL,
    update_time BIGINT
);
CREATE UNIQUE INDEX api_key_public_part ON api_key (project_id, key);

CREATE TABLE provider_app (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    external_ref TEXT,
    provider TEXT NOT NULL,
    client_id TEXT NOT NULL,
    client_secret BYTEA NOT NULL,
    scopes TEXT NOT NULL,
    metadata TEXT,
    create_time BIGINT NOT NULL,
    update_time BIGINT
);
CREATE UNIQUE INDEX provider_app_external_ref
    ON provider_app (project_id, provider, COALESCE(external_ref, ''));

CREATE TABLE destination (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    metadata TEXT NOT NULL,
    signing_key BYTEA NOT NULL,
    disabled BOOLEAN NOT NULL,
    create_time BIGINT NOT NULL,
    update_time BIGINT
);
CREATE UNIQUE INDEX destination_name ON destination (project_id, name);

CREATE TABLE customer_group (
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    group_ref TEXT NOT NULL,
    name TEXT NOT NULL,
    create_time BIGINT NOT NULL,
    update_time BIGINT,
    PRIMARY KEY (project_id, group_ref)
);

CREATE TABLE consumer (
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    consumer_ref TEXT NOT NULL,
    name TEXT NOT NULL,
    create_time BIGINT NOT NULL,
    update_time BIGINT,
    PRIMARY KEY (project_id, consumer_ref)
);

CREATE TABLE oauth_state (
    digest TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    group_ref TEXT,
    body BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    create_time BIGINT NOT NULL
);
CREATE INDEX oauth_state_expiry ON oauth_state (expires_at);

CREATE TABLE connection (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    provider TEXT NOT NULL,
    provider_app_id TEXT REFERENCES provider_app (id) ON DELETE SET NULL,
    group_ref TEXT NOT NULL,
    consumer_ref TEXT NOT NULL,
    auth_scheme TEXT NOT NULL,
    status TEXT NOT NULL,
    provider_metadata TEXT NOT NULL,
    provider_workspace_ref TEXT,
    scopes TEXT NOT NULL,
    access_issued_at BIGINT,
    access_expires_at BIGINT,
    credential BYTEA NOT NULL,
    credential_version BIGINT NOT NULL,
    refresh_owner TEXT,
    refresh_until BIGINT,
    create_time BIGINT NOT NULL,
    update_time BIGINT,
    FOREIGN KEY (project_id, group_ref)
        REFERENCES customer_group (project_id, group_ref) ON DELETE CASCADE,
    FOREIGN KEY (project_id, consumer_ref)
        REFERENCES consumer (project_id, consumer_ref) ON DELETE CASCADE
);
CREATE UNIQUE INDEX connection_group ON connection (project_id, provider, group_ref);
CREATE INDEX connection_customer ON connection (project_id, group_ref);
CREATE INDEX connection_consumer ON connection (project_id, consumer_ref);
CREATE INDEX connection_provider_app ON connection (provider_app_id);

CREATE TABLE integration (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    provider TEXT NOT NULL,
    latest_revision_id TEXT NOT NULL,
    create_time BIGINT NOT NULL,
    update_time BIGINT
);
CREATE UNIQUE INDEX integration_name ON integration (project_id, name);

CREATE TABLE revision (
    id TEXT NOT NULL PRIMARY KEY,
    integration_id TEXT NOT NULL REFERENCES integration (id) ON DELETE CASCADE,
    spec_version TEXT NOT NULL,
    content TEXT NOT NULL,
    create_time BIGINT NOT NULL
);
CREATE INDEX revision_integration ON revision (integration_id);

CREATE TABLE installation (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    integration_id TEXT NOT NULL REFERENCES integration (id) ON DELETE CASCADE,
    connection_id TEXT NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
    group_ref TEXT NOT NULL,
    created_by TEXT NOT NULL,
    config_id TEXT NOT NULL,
    config TEXT NOT NULL,
    config_create_time BIGINT NOT NULL,
    config_created_by TEXT NOT NULL,
    revision_id TEXT NOT NULL REFERENCES revision (id) ON DELETE CASCADE,
    health_status TEXT NOT NULL,
    last_operation_status TEXT,
    create_time BIGINT NOT NULL,
    update_time BIGINT,
    FOREIGN KEY (project_id, group_ref)
        REFERENCES customer_group (project_id, group_ref) ON DELETE CASCADE
);
CREATE UNIQUE INDEX installation_group ON installation (integration_id, group_ref);
CREATE INDEX installation_customer ON installation (project_id, group_ref);
CREATE INDEX installation_connection ON installation (connection_id);
CREATE INDEX installation_revision ON installation (revision_id);

CREATE TABLE operation (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    integration_id TEXT NOT NULL REFERENCES integration (id) ON DELETE CASCADE,
    installation_id TEXT NOT NULL REFERENCES installation (id) ON DELETE CASCADE,
    config_id TEXT NOT NULL,
    action_type TEXT NOT NULL,
    status TEXT NOT NULL,
    result TEXT,
    object_name TEXT NOT NULL,
    read_type TEXT,
    records_processed BIGINT NOT NULL,
    records_estimated_total BIGINT,
    create_time BIGINT NOT NULL,
    update_time BIGINT
);
CREATE INDEX operation_installation ON operation (installation_id, id);
CREATE INDEX operation_project ON operation (project_id);
CREATE INDEX operation_integration ON operation (integration_id);
CREATE INDEX operation_in_progress ON operation (id) WHERE status = 'in_progress';

CREATE TABLE operation_log (
    id TEXT NOT NULL PRIMARY KEY,
    operation_id TEXT NOT NULL REFERENCES operation (id) ON DELETE CASCADE,
    timestamp BIGINT NOT NULL,
    severity TEXT NOT NULL,
    msg TEXT NOT NULL,
    error TEXT,
    details TEXT NOT NULL
);
CREATE INDEX operation_log_operation ON operation_log (operation_id, id);

CREATE TABLE sync (
    id TEXT NOT NULL PRIMARY KEY,
    installation_id TEXT NOT NULL REFERENCES installation (id) ON DELETE CASCADE,
    object_name TEXT NOT NULL,
    operation_id TEXT REFERENCES operation (id) ON DELETE SET NULL,
    read_type TEXT,
    position TEXT,
    since BIGINT,
    watermark BIGINT,
    due_at BIGINT,
    records_processed BIGINT NOT NULL,
    records_estimated_total BIGINT
);
CREATE UNIQUE INDEX sync_object ON sync (installation_id, object_name);
CREATE INDEX sync_operation ON sync (operation_id);

CREATE TABLE seen_key (
    sync_id TEXT NOT NULL REFERENCES sync (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    version TEXT COLLATE {bytewise} NOT NULL,
    PRIMARY KEY (sync_id, key)
){clustered};

CREATE TABLE outbox (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    destination_id TEXT NOT NULL REFERENCES destination (id) ON DELETE CASCADE,
    installation_id TEXT NOT NULL,
    operation_id TEXT NOT NULL,
    num_records BIGINT NOT NULL,
    envelope BYTEA,
    body BYTEA NOT NULL,
    status TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    next_at BIGINT NOT NULL,
    owner TEXT,
    last_status INTEGER,
    last_error TEXT,
    create_time BIGINT NOT NULL,
    update_time BIGINT
);
CREATE INDEX outbox_due ON outbox (next_at) WHERE status = 'pending';
CREATE INDEX outbox_destination ON outbox (destination_id);
CREATE INDEX outbox_project ON outbox (project_id, status);

CREATE TABLE work (
    kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    lane INTEGER NOT NULL CHECK (lane BETWEEN 0 AND 2),
    next_at BIGINT,
    owner TEXT,
    lease_until BIGINT,
    epoch BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    run_again BOOLEAN NOT NULL,
    PRIMARY KEY (kind, subject_id)
);
CREATE INDEX work_due ON work (lane, next_at) WHERE next_at IS NOT NULL;

CREATE TABLE budget_bucket (
    bucket TEXT NOT NULL PRIMARY KEY,
    blocked_until BIGINT NOT NULL
);

CREATE TABLE budget_slot (
    bucket TEXT NOT NULL REFERENCES budget_bucket (bucket) ON DELETE CASCADE,
    leaves_at BIGINT NOT NULL,
    used BIGINT NOT NULL,
    PRIMARY KEY (bucket, leaves_at)
);
