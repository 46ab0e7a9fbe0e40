-- Executions that were accepted to run in the background.

-- How often the execution was started. Its server is negative if the journal has it: what a server marks as lost when
-- it starts are only executions that have its own number.
ALTER TABLE executions ADD COLUMN attempts INTEGER NOT NULL DEFAULT 1;

CREATE TABLE journal (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE REFERENCES executions (id) ON DELETE CASCADE,
    key_row INTEGER NOT NULL,
    server INTEGER NOT NULL, -- servers.row
    run INTEGER NOT NULL, -- the run of the server that has it in hand; 0: none
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2), -- 0 waiting, 1 running, 2 done
    attempts INTEGER NOT NULL, -- how often its program was started
    takes INTEGER NOT NULL DEFAULT 0, -- how often it was taken, also if its program was not started then
    reservation INTEGER NOT NULL, -- reservations.row; 0: none
    started_ms INTEGER, -- when its program was started; NULL: not since it was last taken
    request_bytes INTEGER NOT NULL,
    result_bytes INTEGER NOT NULL,
    request BLOB, -- until it is done
    result BLOB -- from then on, as long as there is room
) STRICT;
CREATE INDEX journal_waiting ON journal (server, key_row) WHERE state = 0;
CREATE INDEX journal_running ON journal (server) WHERE state = 1;
CREATE INDEX journal_results ON journal (sequence) WHERE result_bytes > 0;

CREATE TABLE webhooks (
    id TEXT PRIMARY KEY REFERENCES journal (id) ON DELETE CASCADE,
    key_row INTEGER NOT NULL,
    server INTEGER NOT NULL,
    url TEXT NOT NULL,
    secret TEXT NOT NULL,
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3), -- 0 the execution is not done, 1 due, 2 delivered, 3 given up
    attempts INTEGER NOT NULL,
    next_ms INTEGER, -- when it is tried next
    last_error TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX webhooks_due ON webhooks (server, key_row, next_ms) WHERE state = 1;

-- How much there is, kept by the triggers below: what is not done, of each key and in all, and the results.
CREATE TABLE journal_shares (
    key_row INTEGER PRIMARY KEY,
    executions INTEGER NOT NULL CHECK (executions >= 0),
    request_bytes INTEGER NOT NULL CHECK (request_bytes >= 0)
) STRICT;
CREATE TABLE journal_totals (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    executions INTEGER NOT NULL CHECK (executions >= 0),
    request_bytes INTEGER NOT NULL CHECK (request_bytes >= 0),
    result_bytes INTEGER NOT NULL CHECK (result_bytes >= 0)
) STRICT;
INSERT INTO journal_totals (one, executions, request_bytes, result_bytes) VALUES (1, 0, 0, 0);

CREATE TRIGGER journal_came AFTER INSERT ON journal BEGIN
    INSERT INTO journal_shares (key_row, executions, request_bytes) VALUES (NEW.key_row, 1, NEW.request_bytes)
        ON CONFLICT (key_row) DO UPDATE SET
            executions = executions + 1, request_bytes = request_bytes + excluded.request_bytes;
    UPDATE journal_totals SET executions = executions + 1, request_bytes = request_bytes + NEW.request_bytes;
END;
CREATE TRIGGER journal_ended AFTER UPDATE OF state ON journal WHEN OLD.state < 2 AND NEW.state = 2 BEGIN
    UPDATE journal_shares SET executions = executions - 1, request_bytes = request_bytes - OLD.request_bytes
        WHERE key_row = OLD.key_row;
    UPDATE journal_totals SET executions = executions - 1, request_bytes = request_bytes - OLD.request_bytes;
END;
CREATE TRIGGER journal_result AFTER UPDATE OF result_bytes ON journal BEGIN
    UPDATE journal_totals SET result_bytes = result_bytes + NEW.result_bytes - OLD.result_bytes;
END;
CREATE TRIGGER journal_gone AFTER DELETE ON journal BEGIN
    UPDATE journal_totals SET result_bytes = result_bytes - OLD.result_bytes;
END;
-- Removed with its session before it was done. What runs settles its credits itself.
CREATE TRIGGER journal_dropped AFTER DELETE ON journal WHEN OLD.state < 2 BEGIN
    UPDATE journal_shares SET executions = executions - 1, request_bytes = request_bytes - OLD.request_bytes
        WHERE key_row = OLD.key_row;
    UPDATE journal_totals SET executions = executions - 1, request_bytes = request_bytes - OLD.request_bytes;
END;
CREATE TRIGGER journal_refunded AFTER DELETE ON journal WHEN OLD.state = 0 AND OLD.reservation <> 0 BEGIN
    UPDATE keys SET credits = credits + (SELECT amount FROM reservations WHERE row = OLD.reservation)
        WHERE row = (SELECT key_row FROM reservations WHERE row = OLD.reservation) AND credits >= 0;
    DELETE FROM reservations WHERE row = OLD.reservation;
END;
