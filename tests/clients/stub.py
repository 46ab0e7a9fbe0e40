"""A server that refuses and loses requests as a plan says, for the clients' tests."""
import contextlib
import http.server
import json
import threading

# What the stub does with each request that comes, how often a client may send it again, and what the client says then.
# A number is a status; None: the connection is closed without an answer.
LOST = [([429, 503, 200], 2, "0"), ([None, 200], 2, "0"), ([None, 409, 200], 2, "0"), ([429, 429], 1, "RateLimited"),
        ([503], 0, "Unavailable"), ([None, None], 1, "ConnectionFailed"), ([409], 2, "Conflict")]
RESULT = {"execution_id": "1", "stdout": "", "stderr": "", "exit_code": 0, "execution_time": 0, "language": "bash"}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append(self.headers.get("Idempotency-Key"))
        status = self.server.plan.pop(0)
        if status is None:
            self.close_connection = True
            return
        body = json.dumps(RESULT if status == 200 else {"detail": "later"}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if status in (429, 503):
            self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Stub(http.server.ThreadingHTTPServer):
    def __init__(self, plan, handler=Handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.plan, self.seen = list(plan), []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def check(self, plan, retries):
        """A request is sent again under the same Idempotency-Key, and no more often than planned."""
        assert len(self.seen) == len(plan) and len(set(self.seen)) == 1
        assert (self.seen[0] is not None) == (retries > 0)


SESSION = {"session_id": "s 1", "created_at": "", "last_used_at": "", "expires_at": "", "workspace": True,
           "state": "ready", "state_reason": None, "language": "python", "bytes": 0, "executions": 0,
           "total_execution_time": 0}


class KernelHandler(Handler):
    """A workspace whose kernel knows the cells of the scenarios."""

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def cell(self, request):
        self.server.count += 1
        state, code = self.server.state, request["code"]
        result = {**RESULT, "language": "python", "session_id": request["session_id"], "status": "completed",
                  "execution_count": self.server.count, "results": [], "result": None, "error": None}
        try:
            if code.startswith("x ="):
                exec(code, state)
            else:
                result["result"] = repr(eval(code, state))
                result["results"] = [{"text/plain": result["result"]}]
        except Exception as error:
            result |= {"exit_code": 1, "status": "failed",
                       "error": {"name": type(error).__name__, "message": str(error), "traceback": ""}}
        return result

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        self.server.seen.append((self.path, request))
        if self.path == "/api/v1/sessions":
            self.answer(201, SESSION)
        elif self.path == "/api/v1/execute":
            self.answer(200, self.cell(request))
        elif self.path == "/api/v1/sessions/s%201/interrupt":
            self.answer(409, {"detail": "Nothing runs in the kernel of session s 1"})
        elif self.path == "/api/v1/sessions/s%201/restart":
            self.server.state, self.server.count = {}, 0
            self.answer(200, {"message": "Kernel of session s 1 restarted"})
        else:
            self.answer(404, {"detail": self.path})

    def do_DELETE(self):
        self.server.seen.append((self.path, None))
        self.answer(200, {"message": "Session s 1 cleaned up"})


class KernelStub(Stub):
    def __init__(self):
        super().__init__([], KernelHandler)
        self.state, self.count = {}, 0

    def check_kernel(self):
        """Each cell was asked for as a cell of the session, and the session was made and deleted."""
        cells = [request for path, request in self.seen if path == "/api/v1/execute"]
        assert [cell["code"] for cell in cells] == ["x = 41", "1 / 0", "x + 1", "x"]
        assert all(cell["kernel"] is True and cell["session_id"] == "s 1" for cell in cells)
        assert self.seen[0] == ("/api/v1/sessions", {"workspace": True, "language": "python", "ttl_seconds": 60})
        assert self.seen[-1] == ("/api/v1/sessions/s%201", None)


@contextlib.contextmanager
def stub_server(plan):
    with Stub(plan) as stub:
        yield from serve(stub)


@contextlib.contextmanager
def kernel_server():
    with KernelStub() as stub:
        yield from serve(stub)


def serve(stub):
    threading.Thread(target=stub.serve_forever, daemon=True).start()
    yield stub
    stub.shutdown()
