"""Compiles evaluate.py and kernel.py to a .pyc beside each. In the code that is on the stack while a program runs, the
instruction RESUME, with which Python marks that a frame has begun, becomes NOP."""
import importlib.util
import inspect
import opcode
import pathlib
import types


def hidden(code):
    words = bytearray(code.co_code)
    for at in range(0, len(words), 2):
        if words[at] == opcode.opmap["RESUME"]:
            words[at:at + 2] = opcode.opmap["NOP"], 0
    return code.replace(co_code=bytes(words))


def with_inner(code, change):
    """The code with each function in it changed."""
    return code.replace(co_consts=tuple(change(each) if isinstance(each, types.CodeType) else each
                                        for each in code.co_consts))


def drive_alone(code):
    return hidden(code) if code.co_name == "drive" else code


def everything(code):
    code = with_inner(code, everything)
    return code if code.co_flags & inspect.CO_GENERATOR else hidden(code)


def compile_driver(name, change):
    source = pathlib.Path(__file__).with_name(name)
    module = hidden(compile(source.read_text(encoding="utf-8"), str(source), "exec"))
    pyc = importlib._bootstrap_external._code_to_timestamp_pyc(with_inner(module, change))
    source.with_suffix(".pyc").write_bytes(pyc)


compile_driver("evaluate.py", drive_alone)
compile_driver("kernel.py", everything)
