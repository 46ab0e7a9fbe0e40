-- Long work goes in slices. To remove a session sets its flag and adds a row to purges; its records are deleted later.
-- purges says which of a session's records count as removed although their rows are still there.
ALTER TABLE sessions ADD COLUMN removed INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1));
CREATE TABLE purges (
    key_row INTEGER NOT NULL,
    session_id TEXT NOT NULL,
    upto INTEGER NOT NULL, -- the session's executions up to this sequence are removed
    PRIMARY KEY (key_row, session_id)
) STRICT, WITHOUT ROWID;
DROP INDEX sessions_by_key;
CREATE INDEX sessions_by_key ON sessions (key_row) WHERE removed = 0;
DROP INDEX sessions_by_use;
CREATE INDEX sessions_by_end ON sessions (max(last_used_ms, expires_ms)) WHERE removed = 0;

-- Lists have an index for each combination of filters.
CREATE INDEX executions_by_session_language ON executions (key_row, session_id, language) WHERE session_id IS NOT NULL;
CREATE INDEX executions_by_session_status ON executions (key_row, session_id, status) WHERE session_id IS NOT NULL;
CREATE INDEX executions_by_session_language_status ON executions (key_row, session_id, language, status)
    WHERE session_id IS NOT NULL;
CREATE INDEX executions_by_language_status ON executions (key_row, language, status);
