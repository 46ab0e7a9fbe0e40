-- Each execution belongs to the server that accepted it. A server that starts marks its own open executions as lost, and
-- none of another server on the same database.
CREATE TABLE servers (
    row INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE -- the id of its data directory: io.codecell.instance
) STRICT;
INSERT INTO servers (row, id) SELECT 1, id FROM instance;

ALTER TABLE executions ADD COLUMN server INTEGER NOT NULL DEFAULT 0; -- servers.row; 0: ended before this column was there
UPDATE executions SET server = 1 WHERE status <= 1;
DROP INDEX executions_open;
CREATE INDEX executions_open ON executions (server) WHERE status <= 1;

ALTER TABLE removed ADD COLUMN server INTEGER NOT NULL DEFAULT 0; -- servers.row
UPDATE removed SET server = 1;

-- What an image says of itself is called image facts everywhere.
ALTER TABLE probes RENAME TO image_facts;
ALTER TABLE image_facts RENAME COLUMN probed_ms TO written_ms;
