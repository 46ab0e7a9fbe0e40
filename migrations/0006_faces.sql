-- What faces need of the store: keys of one face, reserved credits, answers that are given again, payments.

-- The only face for which the key counts; '': each.
ALTER TABLE keys ADD COLUMN face TEXT NOT NULL DEFAULT '';
CREATE INDEX keys_by_name ON keys (name) WHERE revoked_ms = 0;

-- Rows of the three tables below name the server (servers.row) and its run, a random number that each start draws. What
-- a run has left is known by that: the server is the same, and the run is another.

-- Credits that were taken off a key for an execution that has not ended.
CREATE TABLE reservations (
    row INTEGER PRIMARY KEY, -- random, so that a late end never finds another execution's reservation
    key_row INTEGER NOT NULL REFERENCES keys (row) ON DELETE CASCADE,
    amount INTEGER NOT NULL CHECK (amount > 0),
    server INTEGER NOT NULL,
    run INTEGER NOT NULL
) STRICT;
CREATE INDEX reservations_by_server ON reservations (server);

-- Requests with an Idempotency-Key. status is NULL while the request is under way.
CREATE TABLE idempotency (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    key_row INTEGER NOT NULL REFERENCES keys (row) ON DELETE CASCADE,
    text TEXT NOT NULL, -- what the client sent
    route TEXT NOT NULL,
    body_sha256 BLOB NOT NULL CHECK (length(body_sha256) = 32),
    since_ms INTEGER NOT NULL, -- when it began, then when it was answered
    server INTEGER NOT NULL,
    run INTEGER NOT NULL,
    bytes INTEGER NOT NULL, -- what it counts of its key's share
    status INTEGER,
    content_type TEXT,
    headers TEXT,
    body BLOB,
    UNIQUE (key_row, text)
) STRICT;
CREATE INDEX idempotency_by_time ON idempotency (since_ms);
CREATE INDEX idempotency_answered ON idempotency (key_row, since_ms) WHERE status IS NOT NULL;
CREATE INDEX idempotency_under_way ON idempotency (server) WHERE status IS NULL;

-- How much of the table above each key has.
CREATE TABLE idempotency_shares (
    key_row INTEGER PRIMARY KEY REFERENCES keys (row) ON DELETE CASCADE,
    requests INTEGER NOT NULL CHECK (requests >= 0),
    bytes INTEGER NOT NULL CHECK (bytes >= 0)
) STRICT;

-- Payments that clients have presented.
CREATE TABLE payments (
    claim INTEGER PRIMARY KEY, -- random, as a reservation's number
    network TEXT NOT NULL,
    nonce TEXT NOT NULL, -- in lower case
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2), -- 0 claimed, 1 settling, 2 consumed
    keep_ms INTEGER NOT NULL, -- the row is kept until then
    server INTEGER NOT NULL,
    run INTEGER NOT NULL,
    UNIQUE (network, nonce)
) STRICT;
CREATE INDEX payments_by_end ON payments (keep_ms);
