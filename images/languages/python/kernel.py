"""The kernel of a workspace: an interpreter that runs one cell after another and keeps its state between them.

    CODECELL_KERNEL=3 python3 /usr/lib/codecell/kernel.pyc

Cells come on the channel, a socket whose descriptor CODECELL_KERNEL names. Their values go back on it
(docs/internals/kernel.md has the messages); what they print goes to the standard streams. compile-drivers.py makes the
frames of this file invisible to the cells, so the stack of a cell begins with the cell.

What most cells need is here. display.py makes rich values and figures, awaiting.py runs coroutines: both are loaded at
their first use."""


def drive():
    # What is used after a cell is a local name from here on, because a cell may change every module.
    import builtins
    import os
    import sys
    from builtins import (BaseException, BrokenPipeError, KeyboardInterrupt, MemoryError, OSError, RecursionError,
                          SyntaxError, SystemExit, bool, bytes, compile, complex, dict, enumerate, eval, float,
                          frozenset, getattr, int, isinstance, iter, len, list, min, next, open, range, repr, set,
                          setattr, str, tuple, type, zip)
    from _ast import Expr, Expression
    from _frozen_importlib import ModuleSpec, module_from_spec
    from _frozen_importlib_external import PathFinder, SourceFileLoader
    from _io import BufferedWriter, FileIO, TextIOWrapper
    from _signal import SIGINT, alarm, default_int_handler, signal
    from fcntl import F_DUPFD_CLOEXEC, fcntl
    from posix import O_CLOEXEC, O_RDWR, close, dup2, fstat, getcwd, getpid, open as open_file, read, set_blocking
    from sys import getprofile, gettrace, modules, setprofile, settrace

    KERNEL_FOLDER = sys.argv[0].rpartition("/")[0] + "/kernel"
    HIGH = 200                    # the descriptors of the kernel itself are moved up to here, if there may be so many
    CODE_MAX = 16 << 20           # bytes of a message
    ROOM = 24 << 20               # what is not sent yet: more than the messages of a cell
    RESULT, ERROR, NOTE, COUNT, END, BUNDLE, RUN = 2, 3, 4, 5, 9, 1, 1
    TEXT_MAX = 1 << 20            # bytes of the result's text
    ERROR_MAX = 1 << 8, 1 << 16, 1 << 16
    BUNDLES_MAX, ENTRIES_MAX, SOURCES_MAX = 256, 32, 1000
    RESERVE = 192 << 10           # of a cell's bytes: for its error and its notes
    ONLY_AST, TOP_LEVEL_AWAIT, COROUTINE, FUTURES = 0x400, 0x2000, 0x80, 0x1FE0000
    SIMPLE = {bool, bytes, complex, dict, float, frozenset, int, list, range, set, str, tuple, type(lambda: 0), type(os),
              type(len), type}

    process = getpid()
    argument = os.environ.pop("CODECELL_KERNEL")

    def moved(descriptor):
        try:
            return fcntl(descriptor, F_DUPFD_CLOEXEC, HIGH)
        except OSError:
            return fcntl(descriptor, F_DUPFD_CLOEXEC, 10)

    channel, nothing = moved(int(argument)), moved(open_file("/dev/null", O_RDWR | O_CLOEXEC))
    close(int(argument))
    standard = [moved(number) for number in range(3)]
    writer = BufferedWriter(FileIO(channel, "r+", closefd=False), ROOM)
    os.register_at_fork(after_in_child=lambda: dup2(nothing, channel, False))

    # Messages. BufferedWriter.write() takes a message whole or not at all, and what an interrupt has kept from being
    # sent stays in there.

    count, number, result_max, left, bundles, is_full, flags = 0, 0, 0, 0, 0, False, TOP_LEVEL_AWAIT

    def word(value):
        return int.to_bytes(value, 4, "little")

    def utf8(text):
        return str.encode(text, "utf-8", "backslashreplace")

    def cut(data, most):
        """At most so many bytes of a text, and no part of a character."""
        if len(data) > most:
            while most > 0 and data[most] & 0xC0 == 0x80:
                most -= 1
            data = data[:most]
        return data

    def send(kind, *parts):
        body = b"".join(parts)
        writer.write(b"".join([kind.to_bytes(4, "little"), word(len(body)), body]))

    def megabytes(size):
        return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB" if size >= 1000 else f"{size} bytes"

    def note(sentence):
        send(NOTE, utf8(sentence))

    def fits(size):
        """Whether the cell may send so much more. If not, a note says so once."""
        nonlocal left, is_full
        if size > left or is_full:
            if not is_full:
                is_full = True
                note("Further values were left out: they are too many or too large")
            return False
        left -= size
        return True

    def send_bundle(is_last, entries):
        """`entries`: (MIME type, bytes) each."""
        nonlocal bundles
        parts, size, bundles = [word(is_last)], 12, bundles + 1
        for mime, data in entries[:ENTRIES_MAX]:
            mime = utf8(mime)
            if len(data) > result_max:
                what = f"The value's {mime.decode()} of {megabytes(len(data))}"
                if mime != b"text/plain":
                    note(f"{what} was left out: at most {megabytes(result_max)}")
                    continue
                note(f"{what} is cut at {megabytes(result_max)}")
                data = cut(data, result_max)
            parts += word(len(mime)), word(len(data)), mime, data
            size += 8 + len(mime) + len(data)
        if len(parts) > 1 and fits(size if bundles <= BUNDLES_MAX else left + 1):
            send(BUNDLE, *parts)

    def send_result(text):
        most = min(TEXT_MAX, result_max)
        if len(text) > most:
            note(f"The result of {megabytes(len(text))} is cut at {megabytes(most)}")
            text = cut(text, most)
        if fits(8 + len(text)):
            send(RESULT, text)

    def publish(entries):
        """Sends what display() shows, at once."""
        if getpid() == process:
            send_bundle(0, entries)
            writer.flush()

    # The modules of the kernel that are loaded at their first use.

    def load(name):
        full = "codecell_" + name
        if full not in modules:
            path = f"{KERNEL_FOLDER}/{name}.py"
            spec = ModuleSpec(full, SourceFileLoader(full, path), origin=path)
            spec.has_location = True
            module = module_from_spec(spec)
            module.publish, module.note = publish, note
            spec.loader.exec_module(module)
            modules[full] = module
        return modules[full]

    def display(*values, **options):
        """Shows values: as HTML, a picture or text, by what they offer."""
        return load("display").display(*values, **options)

    # What must be done to a module that a cell imports, right after that.

    sources = {}

    def lines(filename):
        source = sources[filename]
        return len(source), None, [line + "\n" for line in source.split("\n")], filename

    def fill_linecache(module):
        for filename in sources:
            module.cache[filename] = lines(filename)

    prepare = {"linecache": fill_linecache, "matplotlib.pyplot": lambda module: load("display").prepare_pyplot(module)}

    class Finder:
        """The first finder of sys.meta_path."""

        @staticmethod
        def find_spec(name, path=None, target=None):
            work = prepare.pop(name, None)
            spec = PathFinder.find_spec(name, path, target) if work else None
            if spec is not None and spec.loader is not None:
                run_module = spec.loader.exec_module

                def exec_module(module):
                    del spec.loader.exec_module
                    run_module(module)
                    work(module)
                spec.loader.exec_module = exec_module
            return spec

    if "linecache" in modules:
        prepare.pop("linecache")
    sys.meta_path.insert(0, Finder)

    # The module __main__, as the prompt has it.

    main = modules["__main__"].__dict__
    for name in "__file__", "__cached__", "drive":
        main.pop(name, None)
    main["__doc__"] = main["__loader__"] = None
    sys.argv[:] = [""]
    if not sys.flags.safe_path:
        sys.path[0] = ""
    sys.path.append(KERNEL_FOLDER + "/modules")
    builtins.display = display

    def show(value):
        """Takes the last value, as sys.displayhook."""
        if value is None:
            return
        builtins._ = None
        text = utf8(repr(value))
        if getpid() != process:
            sys.stdout.write(text.decode() + "\n")
        else:
            send_result(text)
            entries = [("text/plain", text)] if type(value) in SIMPLE else load("display").entries_of(value, text)
            if entries:
                send_bundle(1, entries)
        builtins._ = value

    sys.displayhook = sys.__displayhook__ = show

    # A cell.

    def is_quiet(source, last):
        """Whether a semicolon follows the last expression, which hides its value."""
        if ";" not in source[-80:]:
            return False
        rest = source.split("\n")[last.end_lineno - 1:]
        rest[0] = rest[0].encode()[last.end_col_offset:].decode()
        return "\n".join(rest).lstrip(" \t\r\n)").startswith(";")

    def execute(code):
        nonlocal flags
        flags |= code.co_flags & FUTURES
        if code.co_flags & COROUTINE:
            return load("awaiting").run(eval(code, main))
        return eval(code, main)

    def run_code(source, filename):
        nonlocal flags
        try:
            tree = compile(source, filename, "exec", flags | ONLY_AST, True)
        except (RecursionError, MemoryError):
            execute(compile(source, filename, "exec", flags, True))  # the tree takes more than the cell itself
            return
        except SyntaxError as problem:
            if problem.text and problem.offset and problem.text[problem.offset - 1:problem.offset] in {"%", "!", "?"}:
                note("Lines with %, ! and ? are IPython's, and this kernel runs plain Python")
            raise
        last = tree.body[-1] if tree.body else None
        if type(last) is not Expr or is_quiet(source, last):
            code = compile(tree, filename, "exec", flags, True)
            tree = last = None
            execute(code)
            return
        tree.body.pop()
        code = compile(tree, filename, "exec", flags, True)
        last = compile(Expression(last.value), filename, "eval", flags | code.co_flags & FUTURES, True)
        is_alone, tree = not tree.body, None
        if not is_alone:
            execute(code)
        sys.displayhook(execute(last))

    def stripped(problem, filename):
        """The exception without the frames between the kernel and the cell, and those of the kernel's modules."""
        trace = problem.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename != filename:
            trace = trace.tb_next
        problem.__traceback__ = trace
        while trace is not None and trace.tb_next is not None:
            if trace.tb_next.tb_frame.f_code.co_filename.startswith(KERNEL_FOLDER):
                trace.tb_next = trace.tb_next.tb_next
            else:
                trace = trace.tb_next
        return problem

    def exit_code_of(problem):
        if not isinstance(problem, SystemExit):
            return 1
        code = problem.code
        return 0 if code is None else code & 0xFF if type(code) in (int, bool) else 1

    def text_of(problem):
        try:
            return str(problem)
        except BaseException:
            return "<exception str() failed>"

    def tell(problem, filename):
        """Prints an exception as the prompt does, and sends it."""
        is_exit = isinstance(problem, SystemExit)
        if is_exit and exit_code_of(problem) == 0:
            return
        if is_exit:
            if type(problem.code) not in (int, bool):
                sys.stderr.write(f"{text_of(problem.code)}\n")
        else:
            sys.last_type, sys.last_value, sys.last_traceback = type(problem), problem, problem.__traceback__
            sys.last_exc = problem
        from traceback import format_exception
        trace = "".join(format_exception(problem))
        texts = [utf8(type(problem).__name__), utf8(text_of(problem)), utf8(trace)]
        texts = [cut(text, most) for text, most in zip(texts, ERROR_MAX)]
        if getpid() == process:
            send(ERROR, *[word(len(text)) for text in texts], *texts)
        if is_exit:
            return
        if sys.excepthook is sys.__excepthook__:
            sys.stderr.write(trace)
        else:
            sys.excepthook(type(problem), problem, problem.__traceback__)

    def figures():
        module = modules.get("codecell_display")
        if module is not None and "matplotlib.pyplot" in modules:
            module.show_figures()

    def quiet(*_):
        """Takes an interrupt that no cell can take."""

    def guarded(work, *arguments):
        """Does what may run the user's code. Returns the exception that has ended it."""
        problem = None
        try:
            try:
                signal(SIGINT, default_int_handler)
                work(*arguments)
            finally:
                signal(SIGINT, quiet)
        except BaseException as caught:
            problem = caught
        while True:
            try:
                signal(SIGINT, quiet)
                return problem
            except KeyboardInterrupt as caught:
                problem = problem or caught

    def flush(stream):
        try:
            stream.flush()
        except BaseException:
            pass  # the cell has closed or replaced it

    def text_stream(descriptor, name, mode, like):
        file = open(descriptor, mode + "b", closefd=False)
        file.raw.name = name
        made = TextIOWrapper(file, like[0], like[1], line_buffering=mode == "w")
        made.mode = mode
        return made

    alike = [(each.encoding, each.errors) for each in (sys.stdin, sys.stdout, sys.stderr)]

    def refresh_streams():
        """Gives the cell its standard streams. stdin is new, so it has not ended yet. The others are new if they are
        closed. The cell before may have made them non-blocking, as an event loop does."""
        set_blocking(channel, True)
        for descriptor, kept in enumerate(standard):
            set_blocking(kept, True)
            try:
                if fstat(descriptor).st_ino == fstat(kept).st_ino:
                    continue
            except OSError:
                pass
            dup2(kept, descriptor)
        sys.stdin = text_stream(0, "<stdin>", "r", alike[0])
        for descriptor, name in (1, "stdout"), (2, "stderr"):
            stream = getattr(sys, name, None)
            if stream is None or getattr(stream, "closed", False) is True:
                setattr(sys, name, text_stream(descriptor, f"<{name}>", "w", alike[descriptor]))

    def prepare_cell(filename, source):
        refresh_streams()
        sources[filename] = source
        if len(sources) > SOURCES_MAX:
            del sources[next(iter(sources))]
        cache = getattr(modules.get("linecache"), "cache", None)
        if cache is not None:
            cache[filename] = lines(filename)
        main.pop("__warningregistry__", None)
        finder = sys.path_importer_cache.get(getcwd())
        if finder is not None:
            finder.invalidate_caches()  # files may be new since the last cell

    tracing = profiling = None

    def cell(payload):
        nonlocal count, number, result_max, left, bundles, is_full, tracing, profiling
        number, result_max, total_max, length = (int.from_bytes(payload[at:at + 4], "little") for at in (0, 4, 8, 12))
        count, bundles, is_full = count + 1, 0, False
        left = min(total_max, ROOM // 2) - min(RESERVE, total_max // 4)
        filename = f"{str(payload[16:16 + length], 'utf-8', 'replace')}[{count}]"
        source = str(payload[16 + length:], "utf-8", "replace").removeprefix("\ufeff")
        source = source.replace("\r\n", "\n").replace("\r", "\n")
        send(COUNT, word(count))
        try:
            prepare_cell(filename, source)
        except BaseException:
            pass  # the folder is gone, or a module is not what it was
        code = 0
        if tracing is not None:
            settrace(tracing)
        if profiling is not None:
            setprofile(profiling)
        problem = guarded(run_code, source, filename)
        profiling, tracing = getprofile(), gettrace()
        if profiling is not None:
            setprofile(None)
        if tracing is not None:
            settrace(None)
        if problem is not None:
            code = exit_code_of(problem)
            second = guarded(tell, stripped(problem, filename), filename)
            if second is not None:
                guarded(tell, second, filename)
        if getpid() != process:  # a child that the cell has forked ends here
            raise SystemExit(code)
        if type(problem) is not KeyboardInterrupt:
            second = guarded(figures)
            if second is not None:
                code = code or 1
                guarded(tell, second, filename)
        problem = second = None
        alarm(0)
        flush(sys.stdout)
        flush(sys.stderr)
        send(END, word(number), word(code))
        writer.flush()

    def take(size):
        """So many bytes of the channel, or less at its end."""
        data = read(channel, size)
        if 0 < len(data) < size:
            parts = [data]
            size -= len(data)
            while size > 0 and parts[-1]:
                parts.append(read(channel, min(size, 1 << 20)))
                size -= len(parts[-1])
            data = b"".join(parts)
        return data

    signal(SIGINT, quiet)
    sys.stdout.reconfigure(line_buffering=True)
    while True:
        head = take(8)
        size = int.from_bytes(head[4:], "little")
        if len(head) < 8 or head[0] != RUN or not 16 <= size <= CODE_MAX:
            return
        head = take(size)
        if len(head) < size:
            return
        try:
            cell(head)
        except BrokenPipeError:
            return
        except BaseException:
            if getpid() != process:
                raise
            send(END, head[:4], word(1))  # no memory, most likely
            writer.flush()


drive()
