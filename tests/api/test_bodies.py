"""The memory that a body takes: at most four times its bytes in every shape, and the server gives it back. And one key's
bodies do not slow another key down noticeably, and are read slower beside it."""
import json
import threading
import time
from pathlib import Path

from codecell import SANITIZED, in_parallel, wait_for

MB = 1 << 20
SIZE = (2 if SANITIZED else 16) * MB
TIMES = 4   # its bytes
SLACK = 20  # MB that may stay, and that the peak may exceed the bound by: stacks, the database's pages, pools


def fill(piece, size=SIZE):
    return piece * (size // len(piece))


def numbered(form, size=SIZE):
    count = size // len(form % 1000000)
    return ",".join(form % i for i in range(1000000, 1000000 + count))


def member(text):
    return '{"code":"echo 1","language":"bash",%s}' % text


SHAPES = {
    "junk objects": lambda: member('"junk":[%s{}]' % fill("{},")),
    "junk arrays in arrays": lambda: member('"junk":[%s0]' % fill("[[[]]],")),
    "junk numbers": lambda: member('"junk":[%s0]' % fill("1,")),
    "junk members": lambda: member('"junk":{%s}' % numbered('"%d":0')),
    "unknown members": lambda: member(numbered('"%d":0')),
    "many objects of one member": lambda: member('"junk":[%s0]' % fill('{"a":{"a":1}},')),
    "files": lambda: member('"files":[%s{}]' % fill("{},")),
    "members of a file": lambda: member('"files":[{"path":"a","content":"","b":0,%s}]' % numbered('"%d":0')),
    "args": lambda: member('"args":[%s""]' % fill('"",')),
    "environment": lambda: member('"environment":{%s}' % numbered('"a%d":""')),
    "limits": lambda: member('"limits":{%s}' % numbered('"%d":0')),
    "code of another type": lambda: '{"code":[%s0],"language":"bash"}' % fill("[],"),
    "escapes": lambda: member('"stdin":"%s"' % fill("\\u0041")),
    "a long string": lambda: member('"stdin":"%s"' % ("x" * (SIZE - 1))),
    "a long name": lambda: member('"%s":0' % ("x" * SIZE)),
    "a long number": lambda: member('"junk":[1.%s]' % ("1" * SIZE)),
    "a fault at the end": lambda: member('"junk":[%s}' % fill("{},")),
    "a fault after it": lambda: member('"junk":[%s{}]' % fill("{},")) + "x",
    "an array": lambda: "[%s{}]" % fill("{},"),
    "files in base64": lambda: member('"files":[{"path":"a","encoding":"base64","content":"%s"}]'
                                      % fill("QUFB", SIZE * 3 // 4)),
}


def resident(server, line="VmRSS"):
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(next(row.split()[1] for row in status.splitlines() if row.startswith(line + ":"))) / 1024


def forget_peak(server):
    Path(f"/proc/{server.pid}/clear_refs").write_text("5")


def test_what_a_body_costs(launch, record_property):
    server = launch({"CODECELL_POOL": "bash=1,*=0"}, languages=["bash"])
    server.post(b" " * 300_000 + json.dumps({"code": "echo 1", "language": "bash"}).encode())
    wrong = []
    for name, make in SHAPES.items():
        body = make().encode()
        before = resident(server)
        forget_peak(server)
        answer = server.post(body)
        assert answer.status in (200, 400), (name, answer)
        if SANITIZED:
            continue
        peak = resident(server, "VmHWM")
        wait_for(f"the memory of {name}", lambda: resident(server) < before + SLACK)
        grown, bound = peak - before, TIMES * len(body) / MB + SLACK
        left = resident(server) - before
        line = f"{name}: {len(body) / MB:.0f} MB, {answer.status}, grew by {grown:.0f} MB, {left:.0f} left"
        print(line)
        record_property(name, line)
        if grown > bound:
            wrong.append(line)
    assert not wrong


def half_sent(server, key):
    """A small body that never ends."""
    wire = server.wire()
    head = (f"POST /api/v1/execute HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 65000\r\n"
            f"Authorization: Bearer {key}\r\n\r\n")
    wire.send(head.encode() + b" " * 64_000)
    return wire


def test_bodies_of_one_key_beside_another(launch, record_property):
    """One key sends bodies, whole and half, all the time; another key's short programs are all served."""
    server = launch({"CODECELL_MAX_BODIES": "64m", "CODECELL_POOL": "bash=2,*=0", "CODECELL_QUEUE": "100"},
                    languages=["bash"])
    many, few = server.key(), server.key()
    junk = member('"junk":[%s{}]' % fill("{},", 4 * MB)).encode()
    waiting = [server.begin("sleep 0.2", "bash", key=many, stdin="x" * 600_000) for _ in range(45)]
    uploads = [half_sent(server, many) for _ in range(800)]
    over, answers = threading.Event(), []

    def flood():
        while not over.is_set():
            answers.append(server.post(junk, key=many).status)

    threads = [threading.Thread(target=flood) for _ in range(4)]
    for thread in threads:
        thread.start()
    took = []
    try:
        for _ in range(20):
            start = time.monotonic()
            answer = server.execute("wc -c", "bash", key=few, stdin="x" * 100_000)
            took.append(time.monotonic() - start)
            assert answer.status == 200 and answer.json["stdout"].strip() == "100000", answer
    finally:
        over.set()
        for thread in threads:
            thread.join()
        for wire in uploads:
            wire.socket.close()
        for pending in waiting:
            pending.thread.join()
    assert set(answers) <= {200, 503}
    assert all(pending.answer().status in (200, 503) for pending in waiting)
    took.sort()
    line = f"p50 {took[len(took) // 2]:.3f} s, worst {took[-1]:.3f} s beside {len(answers)} bodies"
    print(line)
    record_property("another key", line)


def test_bodies_are_read_slower_beside_another_key(launch):
    """The first 4 MiB at any speed, and then a mebibyte a second; beside nothing but health checks it is read at once."""
    server = launch({"CODECELL_BODY_RATE": "1m", "CODECELL_POOL": "bash=2,*=0"}, languages=["bash"])
    large, small, watcher = server.key(), server.key(), server.key()
    over, checked = threading.Event(), threading.Event()

    def send():
        begin = time.monotonic()
        answer = server.execute("wc -c", "bash", key=large, stdin="x" * (7 * MB))
        assert (answer.status, answer.json["stdout"].strip()) == (200, str(7 * MB)), answer
        return time.monotonic() - begin

    def send_alone():
        try:
            return min(send(), send())
        finally:
            checked.set()

    def check():
        while not checked.wait(0.1):
            assert server.get("/health", key=None).status == 200

    def send_beside():
        time.sleep(0.3)
        try:
            return send()
        finally:
            over.set()

    def ask():
        while not over.wait(0.1):
            assert server.executions(key=watcher) == []

    def run():
        took = []
        while not over.is_set():
            begin = time.monotonic()
            assert server.output("echo 1", "bash", key=small) == "1\n"
            took.append(time.monotonic() - begin)
            over.wait(0.5)
        return took

    server.wait_pool(bash=2)
    alone, _ = in_parallel([send_alone, check])
    beside, _, took = in_parallel([send_beside, ask, run])
    print(f"alone {alone:.2f} s, beside another key {beside:.2f} s; that key's worst {max(took):.3f} s")
    assert beside > 2.8 and beside > alone + 1
