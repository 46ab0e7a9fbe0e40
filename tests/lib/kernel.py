"""Plays the agent for a kernel: gives its driver cells, and reads what it sends (docs/internals/kernel.md)."""
import os
import select
import signal
import socket
import struct
import subprocess
import time

BUNDLE, RESULT, ERROR, NOTE, COUNT, END = 1, 2, 3, 4, 5, 9
MOST = 8 << 20
PATIENCE = 20


class Ended(Exception):
    """The kernel has ended, or does not answer."""


class Answer:
    """What came of a cell."""

    def __init__(self):
        self.messages, self.stdout, self.stderr = [], b"", b""
        self.result = self.error = self.count = self.exit_code = None
        self.results, self.lasts, self.notes = [], [], []

    def add(self, kind, body):
        self.messages.append((kind, body))
        if kind == BUNDLE:
            flags, at, bundle = struct.unpack_from("<I", body)[0], 4, {}
            while at < len(body):
                mime, data = struct.unpack_from("<II", body, at)
                at += 8
                bundle[body[at:at + mime].decode()] = body[at + mime:at + mime + data].decode()
                at += mime + data
            self.results.append(bundle)
            self.lasts.append(flags)
        elif kind == RESULT:
            assert self.result is None
            self.result = body.decode()
        elif kind == ERROR:
            lengths, texts, at = struct.unpack_from("<III", body), [], 12
            for length in lengths:
                texts.append(body[at:at + length].decode())
                at += length
            assert at == len(body)
            self.error = tuple(texts)
        elif kind == NOTE:
            self.notes.append(body.decode())
        elif kind == COUNT:
            self.count = struct.unpack("<I", body)[0]
        else:
            raise AssertionError(f"a message of kind {kind}")

    @property
    def out(self):
        return self.stdout.decode()

    @property
    def err(self):
        return self.stderr.decode()


class Kernel:
    """A driver with its three pipes and its channel."""

    def __init__(self, argv, cwd, name="main.py"):
        self.name, self.number, self.data = name, 0, b""
        self.channel, theirs = socket.socketpair()
        self.stdin, self.stdin_writer = os.pipe()
        (self.stdout, out), (self.stderr, err) = os.pipe(), os.pipe()
        os.close(self.stdin_writer)

        def place():
            os.dup2(theirs.fileno(), 3)
        self.process = subprocess.Popen(
            argv, cwd=cwd, stdin=self.stdin, stdout=out, stderr=err, preexec_fn=place, close_fds=False,
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(cwd), "CODECELL_KERNEL": "3"})
        theirs.close()
        os.close(out)
        os.close(err)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.channel.close()
        for each in self.stdin, self.stdout, self.stderr:
            os.close(each)

    def start(self, code, name=None, result_max=4 << 20, total_max=MOST, stdin=b""):
        """Sends a cell and its standard input."""
        self.number += 1
        name, code = (name or self.name).encode(), code if isinstance(code, bytes) else code.encode("utf-8", "surrogatepass")
        body = struct.pack("<IIII", self.number, result_max, total_max, len(name)) + name + code
        writer = os.open(f"/proc/self/fd/{self.stdin}", os.O_WRONLY)
        self.channel.sendall(struct.pack("<II", 1, len(body)) + body)
        if stdin is None:
            self.stdin_writer = writer
        else:
            os.write(writer, stdin)
            os.close(writer)

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def take(self, answer):
        """Takes the messages that are whole; whether END is among them."""
        while len(self.data) >= 8:
            kind, length = struct.unpack_from("<II", self.data)
            assert length <= 16 << 20
            if len(self.data) < 8 + length:
                break
            body, self.data = self.data[8:8 + length], self.data[8 + length:]
            if kind == END:
                number, answer.exit_code = struct.unpack("<II", body)
                assert number == self.number
                return True
            answer.add(kind, body)
        return False

    def finish(self, until=None, answer=None):
        """Reads until the cell has ended, or until `until(answer)` holds."""
        answer, end = answer or Answer(), time.monotonic() + PATIENCE
        is_over = False
        while not is_over or select.select([self.stdout, self.stderr], [], [], 0)[0]:
            ready, _, _ = select.select([self.channel, self.stdout, self.stderr], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise Ended(f"nothing comes: {answer.out} {answer.err}")
            if self.stdout in ready:
                answer.stdout += os.read(self.stdout, 1 << 20)
            if self.stderr in ready:
                answer.stderr += os.read(self.stderr, 1 << 20)
            if self.channel in ready and not is_over:
                data = self.channel.recv(1 << 20)
                if not data:
                    raise Ended(f"the kernel has ended: {answer.out} {answer.err}")
                self.data += data
                is_over = self.take(answer)
            if until is not None and not is_over and until(answer):
                return answer
        self.drain()
        return answer

    def drain(self):
        """Drops what the cell has not read of its input."""
        reader = os.open(f"/proc/self/fd/{self.stdin}", os.O_RDONLY | os.O_NONBLOCK)
        try:
            while os.read(reader, 1 << 16):
                pass
        except BlockingIOError:
            pass
        os.close(reader)

    def run(self, code, **options):
        self.start(code, **options)
        return self.finish()
