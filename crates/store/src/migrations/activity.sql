-- What a project did over time is counted from these, without reading the bodies.
CREATE INDEX outbox_activity ON outbox (project_id, create_time, status, num_records, attempt, update_time);
CREATE INDEX operation_activity ON operation (project_id, create_time, status);
