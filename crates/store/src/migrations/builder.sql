ALTER TABLE organization ADD COLUMN update_time BIGINT;

CREATE TABLE builder (
    id TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    vouched BOOLEAN NOT NULL,
    create_time BIGINT NOT NULL,
    update_time BIGINT
);

CREATE TABLE membership (
    org_id TEXT NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
    builder_id TEXT NOT NULL REFERENCES builder (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    create_time BIGINT NOT NULL,
    PRIMARY KEY (org_id, builder_id)
);
CREATE INDEX membership_builder ON membership (builder_id);

CREATE TABLE invite (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    role TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    create_time BIGINT NOT NULL,
    update_time BIGINT
);
CREATE INDEX invite_org ON invite (org_id, id);
CREATE INDEX invite_email ON invite (email);

CREATE TABLE builder_session (
    digest TEXT NOT NULL PRIMARY KEY,
    builder_id TEXT NOT NULL REFERENCES builder (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL,
    create_time BIGINT NOT NULL
);
CREATE INDEX builder_session_builder ON builder_session (builder_id);

CREATE TABLE org_audit_entry (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    create_time BIGINT NOT NULL
);
CREATE INDEX org_audit_entry_org ON org_audit_entry (org_id, id);
