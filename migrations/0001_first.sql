-- The first schema. Times are milliseconds of Unix time, durations are nanoseconds. SQLite ends each index with the
-- row's number (sequence), which is the order of lists.

-- One row: the data directory's own id.
CREATE TABLE instance (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id TEXT NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE keys (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    secret_sha256 BLOB NOT NULL CHECK (length(secret_sha256) = 32),
    name TEXT NOT NULL,
    scopes INTEGER NOT NULL CHECK (scopes BETWEEN 1 AND 7),
    rate_per_minute INTEGER NOT NULL CHECK (rate_per_minute BETWEEN 1 AND 1000000),
    max_timeout INTEGER NOT NULL CHECK (max_timeout >= 0),
    credits INTEGER NOT NULL CHECK (credits >= -1),
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL, -- 0: never
    revoked_ms INTEGER NOT NULL  -- 0: not revoked
) STRICT;

-- The state of each key's rate limit (GCRA's theoretical arrival time). It has its own table because it changes with
-- each request.
CREATE TABLE rates (
    key_row INTEGER PRIMARY KEY REFERENCES keys (row) ON DELETE CASCADE,
    tat_ns INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    key_row INTEGER NOT NULL REFERENCES keys (row),
    id TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    last_used_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL DEFAULT 0, -- 0: the retention of records decides
    workspace INTEGER NOT NULL DEFAULT 0 CHECK (workspace IN (0, 1)),
    executions INTEGER NOT NULL DEFAULT 0,
    execution_ns INTEGER NOT NULL DEFAULT 0,
    UNIQUE (key_row, id)
) STRICT;
CREATE INDEX sessions_by_key ON sessions (key_row);
CREATE INDEX sessions_by_use ON sessions (last_used_ms);

-- status is of enum record_status. 0 and 1 mean that the execution has not ended.
CREATE TABLE executions (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    key_row INTEGER NOT NULL REFERENCES keys (row),
    session_id TEXT,
    language TEXT NOT NULL,
    version TEXT NOT NULL,
    status INTEGER NOT NULL CHECK (status BETWEEN 0 AND 8),
    exit_code INTEGER,
    created_ms INTEGER NOT NULL,
    started_ms INTEGER,
    completed_ms INTEGER,
    execution_ns INTEGER,
    queue_ns INTEGER,
    cpu_ns INTEGER,
    memory_bytes INTEGER,
    code_bytes INTEGER NOT NULL,
    stdout_bytes INTEGER NOT NULL DEFAULT 0,
    stderr_bytes INTEGER NOT NULL DEFAULT 0,
    -- NULL unless the setting keeps them. They come last, so that the other columns are read without them.
    code BLOB,
    out BLOB,
    err BLOB,
    FOREIGN KEY (key_row, session_id) REFERENCES sessions (key_row, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX executions_by_key ON executions (key_row);
CREATE INDEX executions_by_session ON executions (key_row, session_id) WHERE session_id IS NOT NULL;
CREATE INDEX executions_by_language ON executions (key_row, language);
CREATE INDEX executions_by_status ON executions (key_row, status);
CREATE INDEX executions_by_time ON executions (created_ms);
CREATE INDEX executions_open ON executions (status) WHERE status <= 1;

-- Executions that were removed with their session before they had ended. Their end must not make a record.
CREATE TABLE removed (
    id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- What an image says of its versions and packages.
CREATE TABLE probes (
    language TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    facts TEXT NOT NULL,
    probed_ms INTEGER NOT NULL,
    PRIMARY KEY (language, fingerprint)
) STRICT, WITHOUT ROWID;
