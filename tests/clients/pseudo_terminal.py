"""A command under a pseudo terminal, as a user sits in front of it."""
import fcntl
import os
import select
import struct
import subprocess
import termios
import time

from codecell import BIN

SECONDS = 30


class Terminal:
    """Terminal(ARGUMENTS, env, cwd): a command whose terminal this is. `seen` is all that it has shown."""

    def __init__(self, arguments, env, cwd, columns=80, rows=24):
        self.master, slave = os.openpty()
        self.slave, self.seen, self.at = slave, "", 0
        self.resize(columns, rows)
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            [BIN, *map(str, arguments)], env=env, cwd=cwd, stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def until(self, text):
        """Reads until it has shown this after what was waited for before."""
        end = time.monotonic() + SECONDS
        while text not in self.seen[self.at:]:
            assert select.select([self.master], [], [], max(0, end - time.monotonic()))[0], (text, self.seen)
            self.seen += os.read(self.master, 65536).decode(errors="replace")
        self.at = self.seen.index(text, self.at) + len(text)

    def is_raw(self):
        return not termios.tcgetattr(self.slave)[3] & termios.ICANON

    def end(self):
        """Its exit status; the terminal must be as it was."""
        status = self.process.wait(SECONDS)
        assert termios.tcgetattr(self.slave) == self.before
        return status
