-- What the operator searches all keys' executions by. Executions of a status that most do not have are in their own index;
-- the others are found in the order of all.
CREATE INDEX executions_of_language ON executions (language);
CREATE INDEX executions_of_status ON executions (status) WHERE status > 2;
CREATE INDEX executions_of_session ON executions (session_id) WHERE session_id IS NOT NULL;
