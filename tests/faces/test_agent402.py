"""agent402: golden pairs, prepaid keys, x402 payments with a stub facilitator, and its clients from npm."""
import json
import signal
import threading

import pytest

import node
from codecell import Server, wait_for
from facilitator import (LOST, NO, PAY_TO, PAYER, RECEIPT, SLOW, TRANSACTION, YES, Facilitator, decode, paid, payment,
                         raw)
from golden import pair_name, read_pairs

RUN, PRO = "/api/code-run", "/api/code-run-pro"
HELLO = {"code": "print('hello')"}
HELLO_ANSWER = {"language": "python", "stdout": "hello\n", "stderr": "", "result": None, "error": None}


@pytest.mark.parametrize("pair", read_pairs("agent402"), ids=pair_name)
def test_pair(faces, pair):
    faces.check(pair)


# Prepaid keys.


def ask(server, body=None, path=RUN, **headers):
    """One request without a key of the test's own."""
    return server.request("POST", path, HELLO if body is None else body, key=None, headers=headers)


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def credits_of(server, name):
    return server.database("select credits from keys where name = ?", name)[0][0]


def test_a_prepaid_key_pays_what_a_route_costs(faces):
    server = faces.server
    key = server.key("payer", credits="8")
    answers = [ask(server, **bearer(key)), ask(server, path=PRO, **bearer(key)), ask(server, **bearer(key))]
    assert [answer.status for answer in answers] == [200, 200, 402]
    assert [answer.header("X-Credits-Balance") for answer in answers] == ["0.06", "0.01", None]
    assert answers[0].json == HELLO_ANSWER
    assert answers[0].header("Cache-Control") == "no-store, private"
    assert answers[2].json == {"error": "Out of credits", "reason": "insufficient", "balanceUsd": 0.01, "priceUsd": 0.02,
                               "topup": "Ask the server's operator for more credits"}
    assert credits_of(server, "payer") == 1


@pytest.mark.parametrize("key, reason", [("nonsense", "malformed"), ("a402_short", "malformed"),
                                         ("a402_" + "x" * 40, "unknown"), ("cc_" + "x" * 40, "unknown")])
def test_a_key_that_does_not_count_is_an_unpaid_request(faces, key, reason):
    answer = ask(faces.server, **bearer(key))
    assert answer.status == 402
    assert answer.json == {"error": "Invalid API key", "reason": reason, "balanceUsd": 0, "priceUsd": 0.02,
                           "topup": "Ask the server's operator for more credits"}


def test_a_key_of_another_face_is_disabled_here(faces):
    answer = ask(faces.server, path=PRO, **bearer(faces.server.key("elsewhere", face="piston")))
    assert (answer.status, answer.json["reason"], answer.json["priceUsd"]) == (402, "disabled", 0.05)


def test_only_a_final_200_is_charged(faces):
    server = faces.server
    key = server.key("careful", credits="2", **{"max-timeout": "1"})
    assert ask(server, {"code": " "}, **bearer(key)).status == 400
    assert ask(server, {"code": "1", "language": "cobol"}, **bearer(key)).status == 400
    slow = ask(server, {"code": "while True: pass"}, **bearer(key))
    assert (slow.status, slow.json) == (504, {"error": "The program ran out of time"})
    assert credits_of(server, "careful") == 2
    raised = ask(server, {"code": "raise ValueError('no')"}, **bearer(key))
    assert (raised.status, raised.header("X-Credits-Balance")) == (200, "0.00")
    assert (raised.json["error"]["name"], raised.json["error"]["message"]) == ("ValueError", "no")
    assert credits_of(server, "careful") == 0


def test_the_same_idempotency_key_gives_the_same_answer_once_paid(faces):
    server = faces.server
    key = server.key("repeater", credits="4")
    again = {"Idempotency-Key": "one", **bearer(key)}
    body = {"code": "import os; print(os.urandom(8).hex())"}
    first, second = ask(server, body, **again), ask(server, body, **again)
    assert (first.status, second.status) == (200, 200)
    assert first.json == second.json
    assert (first.header("X-Idempotent-Replay"), second.header("X-Idempotent-Replay")) == (None, "true")
    assert credits_of(server, "repeater") == 2
    other = ask(server, {"code": "print(2)"}, **again)
    assert (other.status, other.json["error"]) == (422, "Idempotency-Key: it came with another request before")
    assert ask(server, {"code": ""}, **{**again, "Idempotency-Key": "x" * 256}).status == 400


def test_without_a_facilitator_and_a_key_it_is_not_configured(faces):
    answer = ask(faces.server)
    assert answer.status == 503
    assert answer.json == {"error": "Payments are not configured on this server. Use a prepaid key of its operator."}


def test_a_budget_of_output(faces):
    key = bearer(faces.key)
    answer = ask(faces.server, {"code": "import sys\nsys.stdout.write('é' * 200000)\nsys.stderr.write('x' * 200000)"}, **key)
    assert answer.status == 200
    shown = answer.json
    assert shown["truncated"] is True
    assert len(shown["stdout"].encode()) + len(shown["stderr"].encode()) == 256 * 1024
    assert set(shown["stdout"]) == {"é"}
    whole = ask(faces.server, {"code": "print('x' * 1000000)"}, path=PRO, **key).json
    assert (len(whole["stdout"]), "truncated" in whole) == (1000001, False)


# x402.


@pytest.fixture(scope="module")
def stub():
    with Facilitator() as one:
        yield one


@pytest.fixture(scope="module")
def shop(stub):
    """A server that takes x402 payments."""
    settings = {"CODECELL_FACES": "agent402", "CODECELL_FACE_ANONYMOUS": "agent402=payers",
                "CODECELL_FACE_ADDRESS_RATE": 1000000, "CODECELL_X402_FACILITATOR": stub.url + "/",
                "CODECELL_X402_PAY_TO": PAY_TO}
    with Server(settings) as one:
        one.start()
        one.key("payers")
        yield one


@pytest.fixture(autouse=True)
def fresh_stub(request):
    if "stub" in request.fixturenames:
        request.getfixturevalue("stub").reset()


def receipt(answer, version=2):
    header = answer.header(RECEIPT[version])
    return decode(header) if header else None


def test_the_document_of_an_unpaid_request(shop, stub):
    answer = ask(shop)
    assert answer.status == 402
    url = f"http://{shop.address}{RUN}"
    terms = {"scheme": "exact", "payTo": PAY_TO, "asset": "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
             "maxTimeoutSeconds": 120, "extra": {"name": "USDC", "version": "2"}}
    about = "Run Python or JavaScript in a sandbox, for up to 30 seconds"
    assert answer.json == {"x402Version": 1, "error": "Payment required", "accepts": [
        {**terms, "network": "base-sepolia", "maxAmountRequired": "20000", "resource": url, "description": about,
         "mimeType": "application/json"}]}
    assert decode(answer.header("PAYMENT-REQUIRED")) == {
        "x402Version": 2, "error": "Payment required",
        "resource": {"url": url, "description": about, "mimeType": "application/json"},
        "accepts": [{**terms, "network": "eip155:84532", "amount": "20000"}]}
    pro = ask(shop, path=PRO).json["accepts"][0]
    assert (pro["maxAmountRequired"], pro["maxTimeoutSeconds"]) == ("50000", 150)
    assert stub.asked == []


@pytest.mark.parametrize("version", [1, 2])
def test_a_payment_is_verified_then_settled_and_then_shown(shop, stub, version):
    whole = payment(version)
    answer = ask(shop, **paid(whole))
    assert (answer.status, answer.json) == (200, HELLO_ANSWER)
    assert answer.header("Cache-Control") == "no-store, private"
    network = {1: "base-sepolia", 2: "eip155:84532"}[version]
    assert receipt(answer, version) == {"success": True, "transaction": TRANSACTION, "network": network, "payer": PAYER}
    assert stub.paths == ["/verify", "/settle"]
    for _, question in stub.asked:
        assert (question["x402Version"], question["paymentPayload"]) == (version, whole)
        assert question["paymentRequirements"]["payTo"] == PAY_TO


def test_a_payment_pays_once(shop, stub):
    whole = payment(2)
    assert ask(shop, **paid(whole)).status == 200
    again = payment(1, nonce=whole["payload"]["authorization"]["nonce"].upper().replace("0X", "0x"))
    for header in (paid(whole), paid(again)):
        answer = ask(shop, **header)
        assert (answer.status, answer.header("X-Payment-Replay")) == (409, "consumed")
        assert answer.json == {"error": "The payment was used before", "reason": "consumed"}
    assert stub.paths == ["/verify", "/settle"]


def test_a_payment_that_is_in_use_is_refused(shop, stub):
    header, answers, gate = paid(payment()), [], threading.Event()
    stub.reset([gate, YES])
    thread = threading.Thread(target=lambda: answers.append(ask(shop, **header)))
    thread.start()
    wait_for("the first is being verified", lambda: stub.paths == ["/verify"])
    second = ask(shop, **header)
    gate.set()
    thread.join()
    assert (second.status, second.json["reason"], second.header("X-Payment-Replay")) == (409, "inflight", "inflight")
    assert answers[0].status == 200
    assert stub.paths == ["/verify", "/settle"]


def test_an_idempotency_key_repeats_a_paid_answer(shop, stub):
    header, body = {**paid(payment()), "Idempotency-Key": "k"}, {"code": "import os; print(os.urandom(8).hex())"}
    first, second = ask(shop, body, **header), ask(shop, body, **header)
    assert (first.status, second.status) == (200, 200)
    assert (first.json, receipt(first)) == (second.json, receipt(second))
    assert second.header("X-Idempotent-Replay") == "true"
    assert stub.paths == ["/verify", "/settle"]
    other = ask(shop, body, **{**paid(payment()), "Idempotency-Key": "k"})  # another payment is another request
    assert other.status == 200
    assert other.json != first.json


WRONG = [
    ("value", payment(2, amount="19999"), "The payment's amount must be 20000"),
    ("value of version 1", payment(1, amount="19999"), "The payment's value must be 20000"),
    ("recipient", payment(1, to="0x" + "99" * 20), f"The payment's recipient must be {PAY_TO}"),
    ("payTo", payment(2, to="0x" + "99" * 20), f"The payment's payTo must be {PAY_TO}"),
    ("network", payment(1, network="base"), "The payment's network must be base-sepolia"),
    ("scheme", payment(1, scheme="upto"), "The payment's scheme must be exact"),
    ("time", payment(1, seconds=60), "The payment must be valid for at least 70 seconds"),
    ("accepted", payment(2, accepted=None), "The payment's scheme must be exact"),
]


@pytest.mark.parametrize("whole, sentence", [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_payment_that_does_not_fit_is_not_passed_on(shop, stub, whole, sentence):
    answer = ask(shop, **paid(whole))
    assert (answer.status, answer.json["error"]) == (402, sentence)
    assert answer.json["accepts"][0]["maxAmountRequired"] == "20000"
    assert decode(answer.header("PAYMENT-REQUIRED"))["error"] == sentence
    assert stub.asked == []


MALFORMED = {"not base64": "!!!", "not JSON": "aGVsbG8=", "an array": "W10=", "empty": "e30=", "long": "QUFB" * 2049}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("header", ["X-PAYMENT", "PAYMENT-SIGNATURE"])
def test_a_header_that_is_no_payment_is_400(shop, stub, header, text):
    answer = ask(shop, **{header: text})
    assert answer.status == 400
    assert answer.json["error"].startswith(header + ": ")
    assert (answer.json["tool"], answer.json["required"]) == ("code-run", ["code"])
    assert stub.asked == []


def claims(server):
    return server.database("select state from payments order by claim")


# What the facilitator says, the status, what the answer says, and whether the payment may be used again.
ORDERS = {
    "not valid": ([NO], [YES], 402, "The payment is not valid: insufficient_funds", True),
    "verified by nobody": ([LOST], [YES], 502, "The payment could not be verified. Please try again later.", True),
    "another payer": ([{"payer": "0x" + "77" * 20}], [YES], 502,
                      "The payment could not be verified. Please try again later.", True),
    "garbage": ([raw(200, "<html>")], [YES], 502, "The payment could not be verified. Please try again later.", True),
    "an error": ([raw(500, '{"isValid": true}')], [YES], 502,
                 "The payment could not be verified. Please try again later.", True),
    "a redirect": ([raw(307, '{"isValid": true}')], [YES], 502,
                   "The payment could not be verified. Please try again later.", True),
    "a text for true": ([{"isValid": "true"}], [YES], 502,
                        "The payment could not be verified. Please try again later.", True),
    "over 64 KiB": ([raw(200, '{"isValid": true, "more": "' + "x" * 70000 + '"}')], [YES], 502,
                    "The payment could not be verified. Please try again later.", True),
    "slow": ([SLOW], [YES], 502, "The payment could not be verified. Please try again later.", True),
    "refused": ([YES], [NO], 402, "The payment was not settled: insufficient_funds", True),
    "lost, then settled": ([YES], [LOST, YES], 200, None, False),
    "lost, then refused": ([YES], [LOST, NO], 402, "The payment was not settled: insufficient_funds", False),
    "lost twice": ([YES], [LOST, LOST], 402, "The payment was not settled: settlement_unknown", False),
    "settled elsewhere": ([YES], [{"network": "base"}], 402, "The payment was not settled: settlement_unknown", False),
    "settled without a transaction": ([YES], [{"transaction": ""}], 402,
                                      "The payment was not settled: settlement_unknown", False),
    "settled for another payer": ([YES], [{"payer": PAY_TO}], 402, "The payment was not settled: settlement_unknown",
                                  False),
}


@pytest.mark.parametrize("name", ORDERS)
def test_what_a_facilitator_may_do(shop, stub, name):
    verify, settle, status, sentence, free = ORDERS[name]
    stub.reset(verify, settle)
    header = paid(payment())
    answer = ask(shop, {"code": "print('secret output')"}, **header)
    assert answer.status == status, answer
    if status == 200:
        assert answer.json["stdout"] == "secret output\n"
    else:
        assert answer.json["error"] == sentence
        assert b"secret output" not in answer.body
    if status == 402 and "/settle" in stub.paths:
        assert receipt(answer)["success"] is False
    stub.reset()
    second = ask(shop, **header)
    assert second.status == (200 if free else 409), second
    if not free:
        assert second.json["reason"] == "consumed"


def test_an_unknown_settlement_is_logged_for_the_operator(shop, stub):
    stub.reset([YES], [LOST])
    whole = payment()
    assert ask(shop, **paid(whole)).status == 402
    nonce = whole["payload"]["authorization"]["nonce"]
    event = shop.wait_event("payment.doubtful", nonce=nonce)
    assert (event["payer"], event["amount"], event["network"]) == (PAYER, "20000", "eip155:84532")


def test_what_did_not_run_is_not_paid(shop, stub):
    header = paid(payment())
    for body in ({"code": " "}, {"code": "1", "language": "cobol"}, {"code": 7}):
        assert ask(shop, body, **header).status == 400
    assert stub.asked == []
    assert ask(shop, **header).status == 200


def begin(server, body, headers):
    """Sends a request on a connection of its own, which is returned."""
    text, wire = json.dumps(body), server.wire()
    lines = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "x", **headers, "Content-Length": len(text)}.items())
    wire.send(f"POST {RUN} HTTP/1.1\r\n{lines}\r\n{text}".encode())
    return wire


def state_of(server, whole):
    """Of a payment in the database: 0 claimed, 1 settling, 2 consumed; None: it is free."""
    rows = server.database("select state from payments where nonce = ?", whole["payload"]["authorization"]["nonce"])
    return rows[0][0] if rows else None


def test_a_client_that_leaves_pays_for_nothing(shop, stub):
    whole = payment()
    wire = begin(shop, {"code": "import time; time.sleep(20)"}, paid(whole))
    wait_for("it is verified", lambda: stub.paths == ["/verify"])
    wait_for("it is claimed", lambda: state_of(shop, whole) == 0)
    wire.reset()
    wait_for("the payment is free", lambda: state_of(shop, whole) is None)
    assert stub.paths == ["/verify"]
    assert ask(shop, **paid(whole)).status == 200


def test_a_client_that_leaves_while_it_pays_can_fetch_its_answer(shop, stub):
    whole, gate = payment(), threading.Event()
    stub.reset([YES], [gate])
    headers = {**paid(whole), "Idempotency-Key": "later"}
    wire = begin(shop, HELLO, headers)
    wait_for("it is being settled", lambda: state_of(shop, whole) == 1 and "/settle" in stub.paths)
    wire.reset()
    gate.set()
    wait_for("it is paid", lambda: state_of(shop, whole) == 2)
    answer = ask(shop, **headers)
    assert (answer.status, answer.json, answer.header("X-Idempotent-Replay")) == (200, HELLO_ANSWER, "true")
    assert receipt(answer)["success"] is True
    assert stub.paths == ["/verify", "/settle"]


@pytest.fixture
def own_shop(stub, launch):
    server = launch({"CODECELL_FACES": "agent402", "CODECELL_FACE_ANONYMOUS": "agent402=payers",
                     "CODECELL_X402_FACILITATOR": stub.url, "CODECELL_X402_PAY_TO": PAY_TO})
    server.key("payers")
    return server


def test_a_server_that_ends_settles_what_a_client_waits_for(own_shop, stub):
    whole, gate = payment(), threading.Event()
    stub.reset([YES], [gate])
    wire = begin(own_shop, HELLO, paid(whole))
    wait_for("it is being settled", lambda: "/settle" in stub.paths)
    own_shop.signal(signal.SIGTERM)
    own_shop.wait_event("server.draining")
    gate.set()
    assert wire.answer().json == HELLO_ANSWER
    own_shop.check_ended()


def test_a_server_that_ends_does_not_wait_for_a_client_that_left(own_shop, stub):
    whole = payment()
    stub.reset([YES], [SLOW])
    wire = begin(own_shop, HELLO, paid(whole))
    wait_for("it is being settled", lambda: "/settle" in stub.paths)
    wire.reset()
    wait_for("it has left", lambda: own_shop.events("http.request", route=RUN))
    own_shop.stop()
    nonce = whole["payload"]["authorization"]["nonce"]
    assert own_shop.events("payment.doubtful", nonce=nonce)


def test_a_restart_keeps_what_was_consumed(own_shop, stub):
    server = own_shop
    used, doubtful = paid(payment()), paid(payment())
    assert ask(server, **used).status == 200
    stub.reset([YES], [SLOW])
    wire = begin(server, HELLO, doubtful)
    wait_for("it is being settled", lambda: "/settle" in stub.paths)
    server.kill()
    server.start()
    wire.reset()
    stub.reset()
    assert [ask(server, **header).json["reason"] for header in (used, doubtful)] == ["consumed", "consumed"]


def test_the_key_of_paid_requests_is_made_once(stub, launch):
    server = launch({"CODECELL_FACES": "agent402", "CODECELL_X402_FACILITATOR": stub.url,
                     "CODECELL_X402_PAY_TO": PAY_TO})
    assert ask(server, **paid(payment())).status == 200
    server.stop()
    server.start()
    assert ask(server, **paid(payment())).status == 200
    assert [row.split()[1] for row in server.cli("key", "list").stdout.splitlines()].count("payers") == 1


@pytest.mark.parametrize("name, value, sentence", [
    ("CODECELL_X402_PAY_TO", "0x12", "CODECELL_X402_PAY_TO: must be an address of 0x and 40 hex digits"),
    ("CODECELL_X402_NETWORK", "moon", "CODECELL_X402_NETWORK: there is no network moon"),
    ("CODECELL_X402_ASSET", "USDC", "CODECELL_X402_ASSET: must be an address of 0x and 40 hex digits, or empty"),
    ("CODECELL_X402_FACILITATOR", "http://u@h/", "CODECELL_X402_FACILITATOR: must be a URL of http or https"),
])
def test_settings_that_cannot_be(stub, name, value, sentence):
    with Server({"CODECELL_FACES": "agent402", "CODECELL_X402_FACILITATOR": stub.url, "CODECELL_X402_PAY_TO": PAY_TO,
                 name: value}) as one:
        done = one.cli("serve")
    assert done.returncode == 1
    assert sentence in done.stderr


# Clients.


@pytest.mark.parametrize("version", ["1", "2"])
def test_x402_clients_pay(shop, stub, npm, version):
    text = node.run(["node", "run.mjs", version, f"http://{shop.address}", "code-run", json.dumps(HELLO)],
                    npm("agent402"))
    said = json.loads(text.splitlines()[-1])
    assert (said["price"], said["answer"]) == ("$0.02", HELLO_ANSWER)
    assert said["receipt"]["success"] is True
    assert said["receipt"]["payer"] == said["payer"].lower()
    assert stub.paths == ["/verify", "/settle"]


def test_a_client_with_a_prepaid_key(shop, npm):
    key = shop.key("prepaid", credits="5")
    text = node.run(["node", "run.mjs", key, f"http://{shop.address}", "code-run-pro", json.dumps(HELLO)],
                    npm("agent402"))
    said = json.loads(text.splitlines()[-1])
    assert (said["price"], said["answer"], said["balance"]) == ("$0.05", HELLO_ANSWER, "0.00")
