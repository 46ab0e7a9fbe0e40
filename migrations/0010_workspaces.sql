-- Workspaces: sessions whose executions share one folder.

-- What a session's executions take from it, as a JSON object of fields of POST /api/v1/execute.
ALTER TABLE sessions ADD COLUMN settings TEXT NOT NULL DEFAULT ''; -- '': nothing

CREATE TABLE workspaces (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    session INTEGER NOT NULL UNIQUE, -- sessions.sequence; a new session of the same name has another one
    key_row INTEGER NOT NULL,
    durable INTEGER NOT NULL CHECK (durable IN (0, 1)),
    language TEXT NOT NULL DEFAULT '', -- of the first execution; '': none has come
    file TEXT NOT NULL UNIQUE, -- the name of its stored file in the folder workspaces
    bytes INTEGER NOT NULL DEFAULT 0, -- of its files
    stored_bytes INTEGER NOT NULL DEFAULT 0, -- of the stored file
    saved_ms INTEGER NOT NULL DEFAULT 0, -- 0: never
    reason TEXT NOT NULL DEFAULT '' -- why it is lost; '': it is not
) STRICT;
CREATE INDEX workspaces_by_key ON workspaces (key_row);
