-- How a destination does must be answered without reading bodies, and a project's
-- newest operations without sorting all of them.
CREATE INDEX outbox_destination_ended ON outbox (destination_id, status, update_time, create_time);
DROP INDEX outbox_destination;
CREATE INDEX operation_newest ON operation (project_id, id);
DROP INDEX operation_project;
