"""What a user of the Python client does, against the server of CODECELL_URL: scenario.py sync|async. Prints JSON.

It runs in a process of its own, because the tests' own library has the client's name.
"""
import asyncio
import inspect
import json
import sys

import codecell


async def told(value):
    """The value of a call of either client."""
    return await value if inspect.isawaitable(value) else value


async def each(events):
    if hasattr(events, "__aiter__"):
        return [event async for event in events]
    return list(events)


async def error_of(call):
    try:
        await told(call())
    except codecell.CodecellError as error:
        return [type(error).__name__, error.status, error.detail, error.retry_after, error.request_id is not None]
    return None


async def fields(client):
    result = await told(client.execute(
        "import os, sys; print(open('a.txt').read(), open('b.bin', 'rb').read(), sys.argv[1], input(), os.environ['W'])",
        "python", files={"a.txt": "text", "b.bin": b"\xff\x00"}, args=["one"], stdin="two\n",
        environment={"W": "three"}, timeout=30, limits={"memory_mb": 128}))
    return [result.stdout, result.exit_code, result.ok, result.language, result.status]


async def ends(client):
    failed = await told(client.execute("exit 3", "bash"))
    late = await told(client.execute("echo early; sleep 60", "bash", timeout=5))
    value = await told(client.execute("1 + 1", "python", evaluate=True))
    return [failed.ok, failed.exit_code, late.timed_out, late.stdout, late.status, value.result]


async def errors(client):
    other = type(client)(key="cc_wrong", retries=0)
    away = type(client)("http://127.0.0.1:9", retries=0)
    calls = [lambda: client.execute("1", "klingon"), lambda: client.execute("1", "bash", timeout=0),
             lambda: other.execute("1", "bash"), lambda: client.open_session("nobodys"), away.languages]
    return [await error_of(call) for call in calls]


async def batch(client):
    answers = await told(client.batch([codecell.Request("echo 1", "bash"), codecell.Request("print(2)", "python")]))
    return [answer.stdout for answer in answers]


async def background(client):
    job = await told(client.submit("sleep 0.3; echo done", "bash"))
    result = await told(job.wait(30))
    again = await told((await told(client.job(job.execution_id))).status())
    slow = await told(client.submit("sleep 30", "bash"))
    try:
        await told(slow.wait(0.5))
        late = None
    except TimeoutError:
        late = "TimeoutError"
    cancelled = (await told(slow.cancel()))["status"]
    return [job.last.status, result.stdout, again.done, again.result.stdout, late, cancelled]


async def sessions(client):
    session = await told(client.session(ttl_seconds=60))
    for word in ("one", "two"):
        await told(session.execute(f"echo {word}", "bash"))
    count = (await told(session.refresh()))["executions"]
    records = [record["status"] for record in await told(session.executions())]
    listed = session.id in [one["session_id"] for one in await told(client.sessions())]
    await told(session.delete())
    return [count, records, listed, (await error_of(lambda: client.open_session(session.id)))[0]]


async def lists(client):
    languages = [language["id"] for language in await told(client.languages())]
    for _ in range(3):
        await told(client.execute("true", "bash"))
    usage = await told(client.usage(by="language"))
    return ["bash" in languages, len(await told(client.executions(language="bash", limit=2))) >= 3, bool(usage)]


async def stream(client):
    events = await each(client.stream("echo out; echo err >&2; exit 4", "bash"))
    names = [event.name for event in events]
    text = {name: "".join(event.text for event in events if event.name == name) for name in ("stdout", "stderr")}
    return [names[0], names[-1], text, events[-1].data["exit_code"]]


async def follow(client):
    """A program in the background, from its beginning, and after an event that was read before."""
    job = await told(client.submit("for i in 0 1 2 3 4 5 6 7 8 9; do printf $i; sleep 0.03; done", "bash"))
    events = await each(job.events())
    text = "".join(event.text for event in events)
    outputs = [event for event in events if event.text]
    last = outputs[(len(outputs) - 1) // 2]
    parts = events[:events.index(last) + 1] + await each(job.events(last.id))
    return [events[0].name, events[-1].name, text, "".join(event.text for event in parts)]


async def kernel(client):
    """A session's interpreter keeps its state, also after an exception."""
    session = await told(client.session(workspace=True, language="python", ttl_seconds=60))
    await told(session.run_cell("x = 41"))
    failed = await told(session.run_cell("1 / 0"))
    value = await told(session.run_cell("x + 1"))
    idle = (await error_of(session.interrupt))[0]
    restarted = await told(session.restart())
    gone = await told(session.run_cell("x"))
    await told(session.delete())
    return [[failed.ok, failed.error["name"], failed.execution_count], [value.result, value.results, value.execution_count],
            idle, restarted == {"message": f"Kernel of session {session.id} restarted"},
            [gone.error["name"], gone.execution_count]]


async def main(kind, names):
    client = codecell.Client() if kind == "sync" else codecell.AsyncClient()
    print(json.dumps({name: await globals()[name](client) for name in names}))
    await told(client.close())

asyncio.run(main(sys.argv[1], sys.argv[2:]))
