"""Acceptance of work in the background from 16 clients, beside what SQLite alone commits of the same rows, in turns.

Nothing of what is accepted runs: one program has the only slot, so the figure is that of acceptance alone. SQLite alone is a
copy of the server's database on the same disk. It gets the rows of one acceptance in a transaction each, from one thread,
as durably as the server writes them (WAL, synchronous = FULL).
"""
import json
import sqlite3
import statistics
import time
import uuid
from contextlib import closing

import programs
from clients import Crowd, request_bytes
from codecell import Server
from figures import figures, table

CLIENTS = 16
GOAL = 0.5    # of what SQLite alone commits
BLOCKS = 5    # of each, in turns
TABLES = ("executions", "journal")
BODY = programs.body("bash")


def accepted(server, key, seconds):
    """(answers a second, their times)"""
    request, times = request_bytes(key, BODY, "/api/v1/execute/async"), []
    with Crowd(server.address, CLIENTS) as crowd:
        start, waiting = time.perf_counter(), CLIENTS
        for client in crowd.free:
            client.begin(request)
        while waiting:
            for client, taken, (status, text) in crowd.answers(60):
                assert status == 202 and json.loads(text)["status"] == "pending", (status, text[:400])
                if time.perf_counter() - start < seconds:
                    times.append(taken)
                    client.begin(request)
                else:
                    waiting -= 1
    return len(times) / seconds, times


class Alone:
    """A copy of the server's database that nobody else uses."""

    def __init__(self, server):
        file = next(server.data_dir.glob("*.db"))
        self.file = file.with_name("alone.sqlite")
        with closing(sqlite3.connect(file)) as theirs, closing(sqlite3.connect(self.file)) as ours:
            theirs.backup(ours)
        self.db = sqlite3.connect(self.file, isolation_level=None)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = FULL")
        self.statements = [self.statement(name) for name in TABLES]

    def statement(self, name):
        """An INSERT like the newest row of the table, but for its id."""
        cursor = self.db.execute(f"SELECT * FROM {name} ORDER BY sequence DESC LIMIT 1")
        columns = [column[0] for column in cursor.description]
        row = {column: value for column, value in zip(columns, cursor.fetchone()) if column != "sequence"}
        places = ", ".join(f":{column}" for column in row)
        return f"INSERT INTO {name} ({', '.join(row)}) VALUES ({places})", row

    def commits(self, seconds):
        """Transactions a second."""
        start, count = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            id_ = str(uuid.uuid4())
            self.db.execute("BEGIN IMMEDIATE")
            for sql, row in self.statements:
                self.db.execute(sql, {**row, "id": id_})
            self.db.execute("COMMIT")
            count += 1
        return count / seconds

    def close(self):
        self.db.close()


def run(seconds):
    """{"server": figures and "rate", "alone": rate, "part", "goal"}"""
    with Server({"CODECELL_POOL": "bash=1,*=0", "CODECELL_CONCURRENCY": 1}, languages=["bash"]) as server:
        server.start()
        key = server.key("bench", rate=1000000)
        busy = server.begin("sleep 300", "bash", key=server.any_key, timeout=300)
        server.wait_status("running", key=server.any_key)
        accepted(server, key, 0.2)
        alone, rates, commits, times = Alone(server), [], [], []
        for _ in range(BLOCKS):
            rate, taken = accepted(server, key, seconds / BLOCKS)
            rates.append(rate)
            times += taken
            commits.append(alone.commits(seconds / BLOCKS))
        alone.close()
        busy.leave()
    result = {**figures(times), "rate": statistics.median(rates), "alone": statistics.median(commits),
              "part": statistics.median(ours / theirs for ours, theirs in zip(rates, commits)), "goal": GOAL}
    table("acceptance in the background", ["", "a second", "SQLite alone", "part", "goal", "p50, ms", "p99, ms"],
          [[f"{CLIENTS} clients", result["rate"], result["alone"], result["part"], GOAL, result["p50"], result["p99"]]])
    return result
