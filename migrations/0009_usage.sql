-- Counters of each key's executions by day and language. They stay when records are deleted.
CREATE TABLE usage (
    key_row INTEGER NOT NULL REFERENCES keys (row) ON DELETE CASCADE,
    day INTEGER NOT NULL, -- days of Unix time, in UTC
    language TEXT NOT NULL,
    executions INTEGER NOT NULL DEFAULT 0,
    completed INTEGER NOT NULL DEFAULT 0,
    credits INTEGER NOT NULL DEFAULT 0,
    execution_ns INTEGER NOT NULL DEFAULT 0,
    cpu_ns INTEGER NOT NULL DEFAULT 0,
    output_bytes INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (key_row, day, language)
) STRICT, WITHOUT ROWID;

-- How long a session lives after its last use. One that has expired counts as removed, and its records stay.
ALTER TABLE sessions ADD COLUMN ttl_ms INTEGER NOT NULL DEFAULT 0; -- 0: the retention of records decides
CREATE INDEX sessions_by_expiry ON sessions (expires_ms) WHERE removed = 0 AND expires_ms > 0;
DROP INDEX sessions_by_end;
CREATE INDEX sessions_by_end ON sessions (max(last_used_ms, expires_ms));
