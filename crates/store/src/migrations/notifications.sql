-- Who is told of what: events lead to topics, topics to destinations.

CREATE TABLE topic (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    create_time BIGINT NOT NULL,
    update_time BIGINT
);
CREATE UNIQUE INDEX topic_name ON topic (project_id, name);

CREATE TABLE event_topic_route (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    event_type TEXT NOT NULL,
    topic_id TEXT NOT NULL REFERENCES topic (id) ON DELETE CASCADE,
    create_time BIGINT NOT NULL
);
CREATE UNIQUE INDEX event_topic_route_once ON event_topic_route (topic_id, event_type);
CREATE INDEX event_topic_route_project ON event_topic_route (project_id);

CREATE TABLE topic_destination_route (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    topic_id TEXT NOT NULL REFERENCES topic (id) ON DELETE CASCADE,
    destination_id TEXT NOT NULL REFERENCES destination (id) ON DELETE CASCADE,
    create_time BIGINT NOT NULL
);
CREATE UNIQUE INDEX topic_destination_route_once
    ON topic_destination_route (destination_id, topic_id);
CREATE INDEX topic_destination_route_topic ON topic_destination_route (topic_id);
CREATE INDEX topic_destination_route_project ON topic_destination_route (project_id);
