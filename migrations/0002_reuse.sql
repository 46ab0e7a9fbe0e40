-- Whether programs of a key may run in a cell that has run another program of the same key.
ALTER TABLE keys ADD COLUMN reuse INTEGER NOT NULL DEFAULT -1 CHECK (reuse BETWEEN -1 AND 1); -- -1: the server's setting decides
