-- Version 2: sessions, values, sampling, groups and attribution of an event; its corrected time; who is
-- whom; erased people; metrics. Rows of version 1 keep their own time, since nothing is known of the
-- delays they came with.

ALTER TABLE events ADD COLUMN occurred_at TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN session_id TEXT;
ALTER TABLE events ADD COLUMN session_seq INTEGER;
ALTER TABLE events ADD COLUMN value REAL;
ALTER TABLE events ADD COLUMN sample_rate REAL;
ALTER TABLE events ADD COLUMN groups TEXT;
ALTER TABLE events ADD COLUMN attribution TEXT;
-- Of `$alias` alone: the id that its user had before.
ALTER TABLE events ADD COLUMN previous_id TEXT;

UPDATE events SET occurred_at = timestamp;
UPDATE events
SET previous_id = CASE
    WHEN json_valid(properties) AND json_type(properties, '$.previousId') = 'text'
        THEN json_extract(properties, '$.previousId')
    ELSE anonymous_id
END
WHERE name = '$alias';

-- Reads go by the corrected time; paging by row id has `events_by_project`.
DROP INDEX events_by_name;
DROP INDEX events_by_user;
CREATE INDEX events_by_time ON events (project, occurred_at, id);
CREATE INDEX events_by_name ON events (project, name, occurred_at, id);
CREATE INDEX events_by_user ON events (project, user_id, occurred_at, id);
CREATE INDEX events_by_visitor ON events (project, anonymous_id, occurred_at, id) WHERE user_id IS NULL;
CREATE INDEX events_by_session ON events (project, session_id, occurred_at, id) WHERE session_id IS NOT NULL;
CREATE INDEX identified_visitors ON events (project, anonymous_id, occurred_at, id) WHERE name = '$identify';
CREATE INDEX identified_users ON events (project, user_id) WHERE name = '$identify';
CREATE INDEX aliases_from ON events (project, previous_id, occurred_at, id) WHERE name = '$alias';
CREATE INDEX aliases_to ON events (project, user_id) WHERE name = '$alias';
CREATE INDEX sampled_events ON events (project, sample_rate) WHERE sample_rate IS NOT NULL;

-- How far each tab's clock is behind ours (see `clocks.rs`), and the first rows that this holds for.
CREATE TABLE clocks (
    project TEXT NOT NULL,
    tab TEXT NOT NULL,
    offset_ms INTEGER NOT NULL,
    first_event INTEGER NOT NULL DEFAULT 0,
    first_metric INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (project, tab)
) STRICT, WITHOUT ROWID;

-- People whose events were erased on request: what comes late under their ids is refused. The ids
-- themselves, which may be addresses, are not kept: see `erase.rs`.
CREATE TABLE erased (
    project TEXT NOT NULL,
    id_hash BLOB NOT NULL,
    erased_at TEXT NOT NULL,
    PRIMARY KEY (project, id_hash)
) STRICT, WITHOUT ROWID;

-- One row: what the ids are hashed with, and the highest id that an event had when any was erased.
CREATE TABLE erasing (salt BLOB NOT NULL, last_id INTEGER NOT NULL) STRICT;
INSERT INTO erasing VALUES (randomblob(32), 0);

CREATE TABLE metrics (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    batch_id TEXT,
    tab TEXT,
    seq INTEGER,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    value REAL NOT NULL,
    unit TEXT,
    tags TEXT NOT NULL,
    timestamp TEXT NOT NULL,
    occurred_at TEXT NOT NULL,
    sent_at TEXT,
    received_at TEXT NOT NULL,
    trace_id TEXT,
    span_id TEXT,
    duplicates INTEGER NOT NULL DEFAULT 0
) STRICT;
-- Where either is missing (NULL), SQLite holds rows for different ones: nothing to deduplicate by.
CREATE UNIQUE INDEX metrics_once ON metrics (project, tab, seq);
CREATE INDEX metrics_by_name ON metrics (project, name, occurred_at);
CREATE INDEX metrics_by_time ON metrics (project, occurred_at);

-- A tab numbers its metrics apart from its events.
CREATE TABLE metrics_dropped (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    tab TEXT NOT NULL,
    from_seq INTEGER NOT NULL,
    to_seq INTEGER NOT NULL,
    reason TEXT NOT NULL,
    received_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX metrics_dropped_once ON metrics_dropped (project, tab, from_seq, to_seq, reason);
