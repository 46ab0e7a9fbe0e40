-- The key of this database's cursors, and a place to write to when it is asked whether a record can be written.
ALTER TABLE instance ADD COLUMN cursor_key BLOB CHECK (cursor_key IS NULL OR length(cursor_key) = 16);
ALTER TABLE instance ADD COLUMN written_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE instance ADD COLUMN room BLOB;
