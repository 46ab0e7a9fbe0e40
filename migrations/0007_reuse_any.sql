-- A key's programs may share cells with those of other keys: reuse 2.
ALTER TABLE keys RENAME COLUMN reuse TO reuse_before;
ALTER TABLE keys ADD COLUMN reuse INTEGER NOT NULL DEFAULT -1 CHECK (reuse BETWEEN -1 AND 2); -- -1: the server's setting decides
UPDATE keys SET reuse = reuse_before;
ALTER TABLE keys DROP COLUMN reuse_before;
