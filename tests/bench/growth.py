"""What an answer costs, and what the server holds, as the work around it grows: output, records, keys, languages, idle
clients. Each step is a server of its own; its program is bash's, with a waiting cell."""
import contextlib
import json
import os
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path

import programs
from clients import Client, check, request_bytes
from codecell import Server
from figures import figures, table

ROUNDS = 15
PAUSE = 0.3


def resident_mb(server):
    status = Path(f"/proc/{server.pid}/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def settled(server, fields=None, rounds=ROUNDS, expected=programs.OUTPUT):
    """Times of rounds with a pause before each, and the server's memory after them."""
    client = Client(server.address)
    request = request_bytes(server.any_key, {**programs.body("bash"), **(fields or {})})
    times = []
    for _ in range(rounds):
        time.sleep(PAUSE)
        taken, *answer = client.ask(request)
        check(answer, expected)
        times.append(taken)
    client.close()
    return {**figures(times), "resident_mb": resident_mb(server)}


def started(settings=None, names=("bash",)):
    return Server({"CODECELL_POOL": "bash=2,*=0", **(settings or {})}, languages=names)


def output():
    """1, 10 and 100 MB of it."""
    results = {}
    with started({"CODECELL_MAX_OUTPUT_KB": 112 << 10}) as server:
        server.start()
        for megabytes in (1, 10, 100):
            count = megabytes * 1000000
            fields = {"code": f"head -c {count} /dev/zero | tr '\\0' x", "limits": {"output_kb": 112 << 10}}
            results[f"{megabytes} MB"] = settled(server, fields, 3, "x" * count)
    return results


def fill_records(server, count):
    """Rows as the server writes them, of the key that asks."""
    key = server.database("select row from keys limit 1")[0][0]
    rows = ((f"{i:08x}-0000-4000-8000-000000000000", key, 1700000000000 + i) for i in range(count))
    with contextlib.closing(sqlite3.connect(next(server.data_dir.glob("*.db")))) as db, db:
        db.executemany("insert into executions (id, key_row, language, version, status, exit_code, created_ms, code_bytes)"
                       " values (?, ?, 'bash', '5', 2, 0, ?, 10)", rows)


def list_page(server):
    """Seconds of one page of records, the best of five."""
    best = 1e9
    for _ in range(5):
        start = time.perf_counter()
        answer = server.get("/api/v1/executions?limit=50")
        best = min(best, time.perf_counter() - start)
        assert answer.status == 200, answer
    return best


def records():
    """1, 1,000 and 100,000 in the database."""
    results = {}
    for count in (1, 1000, 100000):
        with started() as server:
            server.start()
            assert server.any_key
            fill_records(server, count)
            results[f"{count} records"] = {**settled(server), "page_ms": 1000 * list_page(server)}
    return results


def keys():
    """1, 100 and 1,000 keys, of which one asks."""
    results = {}
    for count in (1, 100, 1000):
        with started() as server:
            server.start()
            assert server.any_key
            with contextlib.closing(sqlite3.connect(next(server.data_dir.glob("*.db")))) as db, db:
                names = [row[1] for row in db.execute("pragma table_info(keys)") if row[1] not in ("row", "id")]
                db.executemany(f"insert into keys (id, {', '.join(names)}) select ?, {', '.join(names)} from keys limit 1",
                               [(f"bench{i:03}",) for i in range(count - 1)])
            results[f"{count} keys"] = settled(server)
    return results


def languages():
    """1 to 40 languages, each a folder: bash by other names, without idle cells."""
    results = {}
    for count in (1, 10, 40):
        folder = Path(tempfile.mkdtemp(prefix="codecell-bench-"))
        told = json.loads((programs.ROOT / "images" / "languages" / "bash" / "language.json").read_text(encoding="utf-8"))
        names = ["bash", *(f"bench{i}" for i in range(1, count))]
        for name in names:
            (folder / name).mkdir()
            described = {**told, "id": name, "aliases": told["aliases"] if name == "bash" else []}
            (folder / name / "language.json").write_text(json.dumps(described), encoding="utf-8")
        with started({"CODECELL_LANGUAGES": folder}, names) as server:  # by then the server knows each one's version
            server.start()
            results[f"{count} languages"] = settled(server)
        shutil.rmtree(folder)
    return results


def idle_clients():
    """1 to 500 kept connections that ask for nothing."""
    results = {}
    with started() as server:
        server.start()
        idle = []
        for count in (1, 100, 500):
            while len(idle) < count:
                idle.append(Client(server.address))
                idle[-1].ask(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            results[f"{count} idle clients"] = settled(server)
        for client in idle:
            client.close()
    return results


def run():
    results = {}
    for part in (output, records, keys, languages, idle_clients):
        results[part.__name__] = part()
    rows = [[name, each["p50"], each["p99"], each["resident_mb"], each.get("page_ms")]
            for part in results.values() for name, each in part.items()]
    table(f"As the work grows: bash over HTTP, a waiting cell, {os.cpu_count()} cores",
          ["", "p50 ms", "p99", "server MB", "a page of records, ms"], rows)
    return results
