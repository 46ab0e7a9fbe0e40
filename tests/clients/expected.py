"""What the scenarios of every client say."""

KERNEL = [[False, "ZeroDivisionError", 2], ["42", [{"text/plain": "42"}], 3], "Conflict", True, ["NameError", 1]]
EXPECTED = {
    "fields": ["text b'\\xff\\x00' one two three\n", 0, True, "python", "completed"],
    "ends": [False, 3, True, "early\n", "timed_out", "2"],
    "batch": ["1\n", "2\n"],
    "sessions": [2, ["completed", "completed"], True, "NotFound"],
    "lists": [True, True, True],
    "stream": ["start", "result", {"stdout": "out\n", "stderr": "err\n"}, 4],
    "follow": ["start", "result", "0123456789", "0123456789"],
    "kernel": KERNEL,
}


def background(late):
    """late: what the client says if the program is not done in time."""
    return ["pending", "done\n", True, "done\n", late, "cancelled"]


def check_errors(told):
    unknown, bad, wrong, missing, away = told
    assert unknown[:2] == ["BadRequest", 400] and unknown[2].startswith("Unsupported language: klingon.") and unknown[4]
    assert bad[:3] == ["BadRequest", 400, "timeout: must be an integer from 1 to 300"]
    assert wrong[:3] == ["Unauthorized", 401, "Invalid API key"]
    assert missing[:2] == ["NotFound", 404]
    assert away[:2] == ["ConnectionFailed", 0] and not away[4]
