"""Golden pairs: requests and the answers that they must get, a JSON object a line.

    name, method
    path      KEY in it becomes the key
    headers   of the request; KEY in a value becomes the key. Without a Content-Type, application/json is sent with a body
    body      sent as JSON; or `text`: sent as it is; or `hex`: bytes
    chunked   true: the body is sent in chunks of seven bytes
    status    of the answer
    answer    its JSON, or `answer_text`; without both, the body must be empty
    partial   true: objects of the answer may have more members than the pair names
    answer_headers  {name: value} that the answer must have, among others

In `answer` and `answer_headers` these texts stand for any value of a kind: number, integer, string, uuid, array, object,
any. A text that begins with "re:" is a regular expression for the whole text, and "is:number" is the text "number".
"""
import http.client
import json
import re
from dataclasses import dataclass
from pathlib import Path

from codecell import PATIENCE, UUID
from wire import no_name_twice

FACES = Path(__file__).resolve().parents[1] / "faces"
CHUNK = 7  # bytes: an odd number, so that characters are split

KINDS = {
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "uuid": lambda value: isinstance(value, str) and UUID.fullmatch(value) is not None,
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "any": lambda value: True,
}


@dataclass
class Got:
    """An answer."""
    status: int
    headers: dict  # lower-case names
    body: bytes

    @property
    def json(self):
        return json.loads(self.body.decode("utf-8"), object_pairs_hook=no_name_twice)


def read_pairs(name):
    """The pairs of tests/faces/NAME.jsonl, in order; for pytest.mark.parametrize with ids=pair_name."""
    lines = (FACES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line]


def pair_name(pair):
    return pair["name"]


def body_of(pair):
    """The request's body as bytes; None: it has none."""
    if "body" in pair:
        return json.dumps(pair["body"]).encode()
    if "text" in pair:
        return pair["text"].encode()
    return bytes.fromhex(pair["hex"]) if "hex" in pair else None


def send(server, pair, key):
    """Sends a pair's request to a server; a Got."""
    body, headers = body_of(pair), {name: value.replace("KEY", key) for name, value in pair.get("headers", {}).items()}
    if body is not None and "content-type" not in map(str.lower, headers):
        headers["Content-Type"] = "application/json"
    chunked = pair.get("chunked", False)
    if chunked:
        body = [body[i:i + CHUNK] for i in range(0, len(body), CHUNK)]
        headers["Transfer-Encoding"] = "chunked"
    connection = http.client.HTTPConnection(server.address, timeout=PATIENCE * 2)
    try:
        path = pair["path"].replace("KEY", key)
        connection.request(pair["method"], path, body, headers, encode_chunked=chunked)
        answer = connection.getresponse()
        return Got(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def text_differs(want, got):
    if want.startswith("re:"):
        return not (isinstance(got, str) and re.fullmatch(want[3:], got, re.S))
    if want in KINDS:
        return not KINDS[want](got)
    return got != want.removeprefix("is:")


def value_differences(want, got, partial, at):
    """Lines that say what differs, each with its place."""
    if isinstance(want, str):
        return [f"{at}: {got!r} is not {want!r}"] if text_differs(want, got) else []
    if type(want) is not type(got):
        return [f"{at}: {got!r} is not {want!r}"]
    if isinstance(want, dict):
        names = [*want, *([] if partial else (name for name in got if name not in want))]
        return [line for name in names for line in (
            value_differences(want[name], got[name], partial, f"{at}.{name}") if name in want and name in got
            else [f"{at}.{name}: {'is missing' if name in want else f'came, with {got[name]!r}'}"])]
    if isinstance(want, list):
        lines = [] if len(want) == len(got) else [f"{at}: {len(got)} elements, not {len(want)}: {got!r}"]
        return lines + [line for i, (one, other) in enumerate(zip(want, got))
                        for line in value_differences(one, other, partial, f"{at}[{i}]")]
    return [] if want == got else [f"{at}: {got!r} is not {want!r}"]


def differences(pair, got):
    """Lines that say how an answer differs from its pair; empty: it does not."""
    lines = [] if got.status == pair["status"] else [f"status: {got.status} is not {pair['status']}: {got.body[:600]!r}"]
    for name, value in pair.get("answer_headers", {}).items():
        lines += value_differences(value, got.headers.get(name.lower()), False, name)
    if "answer" not in pair:
        text = pair.get("answer_text", "")
        return lines if got.body.decode() == text else [*lines, f"body: {got.body[:600]!r} is not {text!r}"]
    try:
        return lines + value_differences(pair["answer"], got.json, pair.get("partial", False), "answer")
    except ValueError as error:
        return [*lines, f"body: not JSON ({error}): {got.body[:600]!r}"]
