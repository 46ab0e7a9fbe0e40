-- The secret of this database's cursors, and two columns that the check writes whether a record can be written.
ALTER TABLE instance ADD COLUMN cursor_key BLOB CHECK (cursor_key IS NULL OR length(cursor_key) = 16);
ALTER TABLE instance ADD COLUMN written_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE instance ADD COLUMN room BLOB;
