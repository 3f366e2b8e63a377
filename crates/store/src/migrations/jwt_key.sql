CREATE TABLE jwt_key (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    label TEXT NOT NULL,
    public_key_pem TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    create_time BIGINT NOT NULL,
    update_time BIGINT NOT NULL
);
CREATE INDEX jwt_key_project ON jwt_key (project_id, id);
