#!/usr/bin/env python3
"""A model that may run Python: openai_tool.py QUESTION

It talks to any API that speaks OpenAI's chat completions. OPENAI_BASE_URL, OPENAI_API_KEY and OPENAI_MODEL name it.
"""
import json
import os
import sys
import urllib.request

from codecell import Client, CodecellError

TOOL = {
    "type": "function",
    "function": {
        "name": "run_python",
        "description": "Runs a Python program in a sandbox without network, and returns what it printed. numpy, pandas, "
                       "scipy, sympy and matplotlib are there.",
        "parameters": {
            "type": "object",
            "properties": {"code": {"type": "string", "description": "The whole program. Print what you want to see."}},
            "required": ["code"],
        },
    },
}


def run_python(codecell, code):
    """What the model gets to read: also errors, so that it can mend its program."""
    try:
        result = codecell.execute(code, "python", timeout=20)
    except CodecellError as error:
        return f"The program did not run: {error.detail}"
    said = result.stdout + (f"\n{result.stderr}" if result.stderr else "")
    return said if result.ok else f"{said}\n(status {result.status}, exit code {result.exit_code})"


def complete(messages):
    body = {"model": os.environ.get("OPENAI_MODEL", "gpt-4o-mini"), "messages": messages, "tools": [TOOL]}
    request = urllib.request.Request(
        os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1") + "/chat/completions", json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {os.environ.get('OPENAI_API_KEY', '')}"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)["choices"][0]["message"]


def main(question):
    messages = [{"role": "user", "content": question}]
    with Client() as codecell:
        while True:
            message = complete(messages)
            messages.append(message)
            if not message.get("tool_calls"):
                print(message["content"])
                return
            for call in message["tool_calls"]:
                code = json.loads(call["function"]["arguments"])["code"]
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": run_python(codecell, code)})


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "What is the 1000th prime?")
