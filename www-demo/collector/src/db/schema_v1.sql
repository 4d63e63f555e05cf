-- Version 1: events once each, batches, what the client gave up, what was invalid, counters.

CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    batch_id TEXT,
    tab TEXT,
    seq INTEGER,
    name TEXT NOT NULL,
    user_id TEXT,
    anonymous_id TEXT,
    timestamp TEXT NOT NULL,
    sent_at TEXT,
    received_at TEXT NOT NULL,
    properties TEXT NOT NULL,
    context TEXT,
    duplicates INTEGER NOT NULL DEFAULT 0
) STRICT;
-- The one line that makes 'at least once' on the wire 'once' in the data.
CREATE UNIQUE INDEX events_once ON events (project, idempotency_key);
CREATE INDEX events_by_project ON events (project, id);
CREATE INDEX events_by_name ON events (project, name, id);
CREATE INDEX events_by_user ON events (project, user_id, id);
CREATE INDEX events_by_tab ON events (project, tab, seq);

CREATE TABLE batches (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    batch_id TEXT,
    tab TEXT,
    events INTEGER NOT NULL,
    received INTEGER NOT NULL DEFAULT 1,
    sent_at TEXT,
    received_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX batches_once ON batches (project, batch_id);
CREATE INDEX batches_by_tab ON batches (project, tab);

CREATE TABLE dropped (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    tab TEXT NOT NULL,
    from_seq INTEGER NOT NULL,
    to_seq INTEGER NOT NULL,
    reason TEXT NOT NULL,
    received_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX dropped_once ON dropped (project, tab, from_seq, to_seq, reason);

-- Events that arrived but were invalid: their sequence numbers are refused, not lost.
CREATE TABLE refused (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    batch_id TEXT,
    batch_index INTEGER NOT NULL,
    tab TEXT,
    seq INTEGER,
    error TEXT NOT NULL,
    received_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX refused_once ON refused (project, batch_id, batch_index);

CREATE TABLE counters (
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (project, name)
) STRICT, WITHOUT ROWID;
