"""A stub of an x402 facilitator, which answers as a test wants, and payments that need no chain.

    with Facilitator() as stub:
        stub.url                       for CODECELL_X402_FACILITATOR
        stub.settle = [LOST, YES]      what the next questions get; the last answer repeats
        stub.asked                     [(path, body)] in their order
"""
import base64
import contextlib
import json
import secrets
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAY_TO = "0x" + "ab" * 20
PAYER = "0x" + "cd" * 20
TRANSACTION = "0x" + "11" * 32
NETWORK = {1: "base-sepolia", 2: "eip155:84532"}
HEADER = {1: "X-PAYMENT", 2: "PAYMENT-SIGNATURE"}
RECEIPT = {1: "X-PAYMENT-RESPONSE", 2: "PAYMENT-RESPONSE"}

YES = "yes"    # isValid, or success
NO = "no"      # not
LOST = "lost"  # the connection ends without an answer
SLOW = "slow"  # no answer until the stub ends
# An Event: yes, once it is set.


def raw(status, text):
    """An answer of these bytes."""
    return status, text.encode()


def encode(value):
    return base64.b64encode(json.dumps(value).encode()).decode()


def decode(text):
    return json.loads(base64.b64decode(text, validate=True))


class Facilitator:
    def __init__(self):
        self.verify, self.settle, self.asked, self.ends = [YES], [YES], [], threading.Event()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                stub.answer(self)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def __enter__(self):
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        self.http.shutdown()
        self.http.server_close()

    def reset(self, verify=(YES,), settle=(YES,)):
        self.verify, self.settle, self.asked = list(verify), list(settle), []

    @property
    def paths(self):
        return [path for path, _ in self.asked]

    def answer(self, handler):
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        self.asked.append((handler.path, body))
        answers = self.verify if handler.path == "/verify" else self.settle
        wanted = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(wanted, threading.Event):
            wanted.wait()
            wanted = YES
        if wanted == SLOW:
            self.ends.wait()
        if wanted in (LOST, SLOW):
            handler.close_connection = True
            with contextlib.suppress(OSError):
                handler.connection.shutdown(socket.SHUT_RDWR)
            return
        if not isinstance(wanted, tuple):
            wanted = 200, json.dumps(self.say(handler.path, body, wanted)).encode()
        status, data = wanted
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(data)))
        if status // 100 == 3:
            handler.send_header("Location", self.url + "/verify")
        handler.end_headers()
        with contextlib.suppress(OSError):
            handler.wfile.write(data)

    @staticmethod
    def say(path, body, wanted):
        """The answer of a facilitator that works; `wanted` may be members that differ."""
        payer = body["paymentPayload"]["payload"]["authorization"]["from"]
        network = body["paymentRequirements"]["network"]
        if path == "/verify":
            good = {"isValid": True, "payer": payer}
            bad = {"isValid": False, "invalidReason": "insufficient_funds", "payer": payer}
        else:
            good = {"success": True, "transaction": TRANSACTION, "network": network, "payer": payer}
            bad = {"success": False, "errorReason": "insufficient_funds", "transaction": "", "network": network,
                   "payer": payer}
        return {**good, **wanted} if isinstance(wanted, dict) else good if wanted == YES else bad


def payment(version=2, amount="20000", to=PAY_TO, nonce=None, seconds=120, payer=PAYER, **more):
    """A payment as a client makes it, unsigned. more: members of the whole that differ."""
    now = int(time.time())
    authorization = {"from": payer, "to": to, "value": amount, "validAfter": str(now - 600),
                     "validBefore": str(now + seconds), "nonce": nonce or "0x" + secrets.token_hex(32)}
    whole = {"x402Version": version, "payload": {"signature": "0x" + "00" * 65, "authorization": authorization}}
    if version == 1:
        whole.update(scheme="exact", network=NETWORK[1])
    else:
        whole["accepted"] = {"scheme": "exact", "network": NETWORK[2], "amount": amount, "payTo": to,
                             "maxTimeoutSeconds": 120, "asset": "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
                             "extra": {"name": "USDC", "version": "2"}}
    return {**whole, **more}


def paid(whole):
    """The header of a payment."""
    return {HEADER[whole["x402Version"]]: encode(whole)}
