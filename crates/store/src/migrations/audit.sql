CREATE TABLE audit_entry (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    create_time BIGINT NOT NULL
);
CREATE INDEX audit_entry_project ON audit_entry (project_id, id);
