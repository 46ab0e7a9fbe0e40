"""A hello that brings a file back beside the same hello without, both on one server and in turns."""
import json
import statistics
import time

import programs
from clients import Client, request_bytes
from codecell import Server
from figures import figures, table

CODE = {"bash": "echo 2; echo 2 > f", "python": "print(2); open('f', 'w').write('2')",
        "javascript": "console.log(2); require('fs').writeFileSync('f', '2')"}
PAUSE = 0.06  # seconds before each request: the pool has a waiting cell again


def of_language(server, language, rounds):
    client, body = Client(server.address), {**programs.body(language), "code": CODE[language]}
    requests = {"without": request_bytes(server.any_key, body),
                "with": request_bytes(server.any_key, {**body, "outputs": ["f"]})}
    times = {name: [] for name in requests}
    for turn in range(-3, rounds):
        for name, request in requests.items():
            time.sleep(PAUSE)
            taken, status, text = client.ask(request)
            answer = json.loads(text)
            assert status == 200 and answer["stdout"] == "2\n", text[:400]
            assert [file["path"] for file in answer.get("files", [])] == ["f"] * (name == "with"), text[:400]
            if turn >= 0:
                times[name].append(taken)
    client.close()
    more = statistics.median(1000 * (b - a) for a, b in zip(times["without"], times["with"]))
    return {**{name: figures(each) for name, each in times.items()}, "more": more}


def run(languages, rounds):
    """{language: {what: figures, "more": ms}}"""
    with Server({"CODECELL_POOL": "*=2"}, languages=languages) as server:
        server.start()
        results = {language: of_language(server, language, rounds) for language in languages}
    table("a hello that brings a file back, ms at the median", ["", "without outputs", "with outputs", "more"],
          [[language, each["without"]["p50"], each["with"]["p50"], each["more"]] for language, each in results.items()])
    return results
