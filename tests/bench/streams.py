"""A hello as a stream beside the plain answer: both on one server, in turns, so that each round is a pair. What is compared
is when the first `stdout` event has come with when the plain answer has come whole."""
import statistics
import time

import programs
from clients import Client, check, request_bytes
from codecell import Server
from figures import figures, table

GOAL = 3.0    # ms that the first event may come later, at the median
PAUSE = 0.06  # seconds before each request: the pool has a waiting cell again


class StreamClient(Client):
    """Notes when the first output came, too."""

    def begin(self, request, started=None):
        super().begin(request, started)
        self.first = None

    def take(self):
        self.buffer += self._received()
        if self.first is None and b"event: stdout\n" in self.buffer:
            self.first = time.perf_counter() - self.started
        if not self.buffer.endswith(b"0\r\n\r\n"):
            return None
        answer = int(self.buffer.split(b" ", 2)[1]), bytes(self.buffer)
        self.buffer.clear()
        return answer


def of_language(server, language, rounds):
    body = programs.body(language)
    plain, streamed = Client(server.address), StreamClient(server.address)
    requests = request_bytes(server.any_key, body), request_bytes(server.any_key, {**body, "stream": True})
    times = {"plain": [], "first event": [], "whole stream": []}
    for turn in range(-3, rounds):
        time.sleep(PAUSE)
        taken, *answer = plain.ask(requests[0])
        check(answer, programs.OUTPUT)
        time.sleep(PAUSE)
        whole, status, text = streamed.ask(requests[1])
        assert status == 200 and b"event: result" in text and streamed.first, text[:400]
        if turn >= 0:
            for name, value in zip(times, (taken, streamed.first, whole)):
                times[name].append(value)
    plain.close()
    streamed.close()
    more = statistics.median(1000 * (b - a) for a, b in zip(times["plain"], times["first event"]))
    return {**{name: figures(each) for name, each in times.items()}, "more": more, "goal": GOAL}


def run(languages, rounds):
    """{language: {what: figures, "more": ms}}"""
    with Server({"CODECELL_POOL": "*=2"}, languages=languages) as server:
        server.start()
        results = {language: of_language(server, language, rounds) for language in languages}
    table("first event of a stream, ms at the median", ["", "plain answer", "first event", "whole stream", "more", "goal"],
          [[language, *[each[name]["p50"] for name in ("plain", "first event", "whole stream")], each["more"], GOAL]
           for language, each in results.items()])
    return results
