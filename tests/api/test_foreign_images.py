"""Images that contain nothing of ours: one like a registry's, and one that holds a static program alone."""
import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from codecell import Server, linked_languages

BUSYBOX = Path("/bin/busybox")  # Debian's busybox-static; tests/run installs it
ROOTS = ["debian:trixie-slim", "codecell/rootfs:trixie"]  # plain Debian; images/build makes the second without a registry
NAME = "codecell-test/foreign-"

PERL = {
    "id": "foreign-perl", "name": "Perl", "image": NAME + "perl", "file": "main.pl",
    "run": {"argv": ["/usr/bin/perl", "main.pl"]}, "version": {"argv": ["/usr/bin/perl", "-v"]},
    "packages": {"argv": ["/usr/bin/dpkg-query", "-W", "-f", "${Package} ${Version}\\n", "perl-base"]},
    "example": {"code": "print 1;", "stdout": "1"},
}
SHELL = {
    "id": "foreign-shell", "name": "Busybox", "image": NAME + "busybox", "file": "main.sh",
    "run": {"argv": ["/bin/busybox", "sh", "main.sh"]}, "version": {"argv": ["/bin/busybox"]},
    "example": {"code": "echo 1", "stdout": "1\n"},
}


def build_like_an_official_one(tag):
    """An image with an entry point, a user, a folder and variables of its own; cells use none of them."""
    root = next(name for name in ROOTS
                if subprocess.run(["docker", "image", "inspect", name], capture_output=True, check=False).returncode == 0)
    dockerfile = (f'FROM {root}\nENV PATH=/nowhere PERL5OPT=-w OWN=image\nWORKDIR /usr/src/app\nUSER nobody\n'
                  'EXPOSE 80\nENTRYPOINT ["/bin/false"]\nCMD ["--never"]\n')
    subprocess.run(["docker", "build", "-q", "-t", tag, "-"], input=dockerfile, text=True, capture_output=True,
                   check=True)


def import_busybox(tag):
    """No folder but /bin, no user, no shell by its name, no library."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.add(BUSYBOX, "bin/busybox")
    subprocess.run(["docker", "import", "-", tag], input=out.getvalue(), capture_output=True, check=True)


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    path = tmp_path_factory.mktemp("languages")
    tags = [language["image"] for language in (PERL, SHELL)]
    for language in (PERL, SHELL):
        (path / language["id"]).mkdir()
        (path / language["id"] / "language.json").write_text(json.dumps(language))
    try:
        build_like_an_official_one(tags[0])
        import_busybox(tags[1])
        settings = {"CODECELL_LANGUAGES": f"{linked_languages(path / '.images', [])}:{path}"}
        with Server(settings, languages=[PERL["id"], SHELL["id"]]) as one:
            yield one.start()
    finally:
        subprocess.run(["docker", "rmi", "-f", *tags], capture_output=True, check=False)


PROGRAMS = {
    "foreign-perl": {
        "main": 'use lib "."; require "./part.pl"; print twice(21), " $ARGV[1] $ENV{WORD} ", <STDIN>; '
                'print STDERR "to stderr\\n"; exit 7;',
        "part": ("part.pl", "sub twice { return 2 * shift; } 1;"),
    },
    "foreign-shell": {
        "main": '. ./part.sh; read line; echo "$(twice 21) $2 $WORD $line"; echo "to stderr" >&2; exit 7',
        "part": ("part.sh", "twice() { echo $(($1 * 2)); }"),
    },
}


@pytest.mark.parametrize("language", PROGRAMS)
def test_a_program(foreign, language):
    program = PROGRAMS[language]
    path, content = program["part"]
    for _ in range(2):  # in a cell that waits, and in the next one
        result = foreign.run(program["main"], language, args=["a b", "c d"], stdin="a line\n",
                             environment={"WORD": "word"}, files=[{"path": path, "content": content}])
        assert (result["stdout"], result["stderr"]) == ("42 c d word a line\n", "to stderr\n")
        assert (result["exit_code"], result["status"]) == (7, "failed")


@pytest.mark.parametrize("language", PROGRAMS)
def test_a_timeout(foreign, language):
    loop = {"foreign-perl": "1 while 1;", "foreign-shell": "while :; do :; done"}[language]
    answer = foreign.execute(loop, language, timeout=1)
    assert (answer.status, answer.json["status"], answer.json["exit_code"]) == (500, "timed_out", 124)


def test_what_is_told_of_them(foreign):
    told = {each["id"]: each for each in foreign.get("/api/v1/languages", key=None).json["languages"]}
    assert set(told) == set(PROGRAMS)
    assert told["foreign-perl"]["version"].startswith("5.") and told["foreign-shell"]["version"].startswith("1.")
    assert [each["name"] for each in told["foreign-perl"]["packages"]] == ["perl-base"]


def test_where_a_program_is(foreign):
    """The working folder, the user and what it may write come from the cell, not from the image."""
    code = 'use Cwd; print join(" ", getcwd(), $> >= 10000 ? "ours" : $>, $ENV{HOME}, -w "/usr" ? "w" : "-"), "\\n"'
    assert foreign.output(code, "foreign-perl") == "/tmp/work ours /tmp/work -\n"
