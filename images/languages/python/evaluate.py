"""Runs a program for a request with "evaluate", and reports the value of its last expression, or its exception.

    python3 evaluate.pyc main.py ARGUMENT…

The program runs in the module __main__ as it does without this driver, to the same output and the same exit code. The
function drive() is on the stack below it, but no program sees its frame: compile-drivers.py makes it such that Python
takes it for one that has not begun. So tracebacks and stacks are the program's own, and the key stays out of reach.

The report is a file: an HMAC-SHA256, flags, four lengths and four texts (server/run/evaluation.h). Its key comes in a
file, which is removed before the program begins."""


def drive():
    # What is used after the program is a local name from here on, because a program may change every module.
    import sys
    from builtins import BaseException, OSError, SystemExit, compile, exec, len, open, repr, str, type
    from posix import O_CLOEXEC, O_CREAT, O_EXCL, O_WRONLY, close, getcwd, getpid, open as open_file, unlink, write
    from _ast import Assign, Constant, Expr, Name, Store
    from _frozen_importlib_external import SourceFileLoader
    try:
        from _sha2 import sha256
    except ImportError:  # before Python 3.12
        from _sha256 import sha256
    from sys import getprofile, gettrace, setprofile, settrace
    encode, pop, to_bytes, translate = str.encode, dict.pop, int.to_bytes, bytes.translate
    inner, outer = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
    key_file, report_file, value_name = ".codecell-evaluate", "/tmp/.codecell-report", "codecell result"
    most, missing, process = (1 << 20, 1 << 8, 1 << 16, 1 << 16), b"\xff\xff\xff\xff", getpid()

    # What Python makes of "python3 main.py".
    main = sys.modules["__main__"].__dict__
    path = getcwd() + "/" + sys.argv[1]
    del sys.argv[0], sys.orig_argv[1], main["drive"]
    if not sys.flags.safe_path:
        sys.path[0] = getcwd()
    main["__doc__"], main["__file__"], main["__cached__"] = None, path, None
    main["__loader__"] = SourceFileLoader("__main__", path)

    with open(key_file, "rb") as file:
        key = file.read()
    unlink(key_file)
    with open(path, "rb") as file:
        source = file.read()
    file = error = result = None
    # Before Python 3.12 a call from here would show this frame to the program's profiler, and an operator does not.
    profiler = type("profiler", (), {"__neg__": getprofile, "__getitem__": setprofile})()
    tells_frame = sys.version_info < (3, 12)
    try:
        try:
            tree = compile(source, path, "exec", 0x400, True)  # PyCF_ONLY_AST
            if tree.body and type(tree.body[-1]) is Expr:
                last = tree.body[-1]
                place = {"lineno": last.lineno, "col_offset": last.col_offset,
                         "end_lineno": last.end_lineno, "end_col_offset": last.end_col_offset}
                if len(tree.body) > 1 or type(last.value) is not Constant:  # else it may be __doc__
                    tree.body.pop()
                tree.body.append(Assign([Name(value_name, Store(), **place)], last.value, **place))
            code = compile(tree, path, "exec", 0, True)
        except (RecursionError, MemoryError):
            code = None  # the tree takes more than the program itself
        tree = last = None
        if code is None:
            code = compile(source, path, "exec", 0, True)
        source = None
        exec(code, main)
    except BaseException as problem:
        error = problem
        raise
    finally:
        profile = -profiler
        profiler[None]
        trace = gettrace()
        if trace is not None:
            settrace(None)
        value = pop(main, value_name, None)
        if getpid() == process:  # not in a child that the program has forked
            try:
                name = message = traceback = None
                try:
                    if value is not None:
                        result = encode(repr(value), "utf-8", "backslashreplace")
                except BaseException as problem:
                    error = problem
                if error is not None and not (type(error) is SystemExit and error.code in (None, 0)):
                    from traceback import format_exception
                    name = encode(type(error).__name__, "utf-8", "backslashreplace")
                    traceback = encode("".join(format_exception(error)), "utf-8", "backslashreplace")
                    try:
                        message = encode(str(error), "utf-8", "backslashreplace")
                    except BaseException:
                        message = b"<exception str() failed>"
                texts, lengths, cut = b"", b"", 0
                for text, room, flag in (result, most[0], 1), (name, most[1], 2), (message, most[2], 2), (
                        traceback, most[3], 2):
                    if text is None:
                        lengths += missing
                        continue
                    cut |= flag if len(text) > room else 0
                    lengths += to_bytes(len(text[:room]), 4, "little")
                    texts += text[:room]
                report = to_bytes(cut, 4, "little") + lengths + texts
                digest = sha256(translate(key, inner) + report).digest()
                report = sha256(translate(key, outer) + digest).digest() + report
                try:
                    unlink(report_file)
                except OSError:
                    pass
                file = open_file(report_file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
                while report:
                    report = report[write(file, report):]
                close(file)
            except BaseException:
                pass  # there is no report, and the answer says so
        key = value = error = None
        if trace is not None:
            settrace(trace)
        if not tells_frame:
            profiler[profile]


drive()
