-- Whether programs of a key may run in a cell that ran one of the same key before.
ALTER TABLE keys ADD COLUMN reuse INTEGER NOT NULL DEFAULT -1 CHECK (reuse BETWEEN -1 AND 1); -- -1: as the server's setting says
