#!/usr/bin/env python3
"""Receives webhooks: webhook_receiver.py PORT. WEBHOOK_SECRET is the whsec_… that was given with the execution."""
import base64, hashlib, hmac, http.server, json, os, sys, time

SECRET = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))

class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body, sent = self.rfile.read(int(self.headers["Content-Length"])), self.headers["webhook-timestamp"]
        signed = f"{self.headers['webhook-id']}.{sent}.".encode() + body
        mine = "v1," + base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
        named = any(hmac.compare_digest(mine, one) for one in self.headers["webhook-signature"].split())
        good = named and abs(time.time() - int(sent)) < 300  # an old one may be somebody's copy
        self.send_response(204 if good else 401)
        self.end_headers()
        if good:
            done = json.loads(body)
            print(done["execution_id"], done["status"], repr(done["result"]["stdout"]), flush=True)

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
