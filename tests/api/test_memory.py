"""`limits.memory_mb`: what counts, what does not, when it strikes, and what `memory_mb` in the answer says. And the stack,
which may take most of it."""
import pytest

from codecell import serving

SETTINGS = {"CODECELL_POOL": "python=2,c=1,*=0"}

TOUCH = """
import mmap, os, time
MB = 1 << 20
def fill(room, size):
    for at in range(0, size, 4096): room[at] = 1
"""
C_TOUCH = """
#include <stdio.h>
#include <stdlib.h>
int main(int n, char **args) {
    size_t size = (size_t)atoi(args[1]) << 20;
    volatile char *room = malloc(size);
    for (size_t at = 0; at < size; at += 4096) room[at] = 1;
    puts("all");
    return n - 2;
}
"""
# Each takes 150 MB and keeps it, so that it does not matter when the agent looks.
HOLDERS = {
    "heap": "x = bytearray(150 * MB)\nfill(x, len(x))",
    "shared": "x = mmap.mmap(-1, 150 * MB, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)\nfill(x, len(x))",
    "memfd": "f = os.memfd_create('x')\nfor _ in range(150): os.write(f, b'x' * MB)",
    "sysv": "import ctypes\nc = ctypes.CDLL(None)\nc.shmat.restype = ctypes.c_void_p\n"
            "c.shmat.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int)\n"
            "at = c.shmat(c.shmget(0, ctypes.c_size_t(150 * MB), 0o600 | 0o1000), None, 0)\n"
            "ctypes.memset(ctypes.c_void_p(at), 1, ctypes.c_size_t(150 * MB))",
    "shm": "f = open('/dev/shm/x', 'wb', buffering=0)\nfor _ in range(15): f.write(b'x' * MB)\n"
           "x = bytearray(55 * MB)\nfill(x, len(x))",
    "children": "for _ in range(6):\n    if os.fork() == 0:\n        x = bytearray(25 * MB)\n        fill(x, len(x))\n"
                "        time.sleep(60)\n        os._exit(0)",
}


@pytest.mark.parametrize("how", HOLDERS)
@pytest.mark.parametrize("disk_mb", [100, 1024])
def test_what_counts(server, how, disk_mb):
    result = server.run(TOUCH + HOLDERS[how] + "\ntime.sleep(60)\nprint('all')", timeout=40,
                        limits={"memory_mb": 64, "disk_mb": disk_mb})
    assert (result["status"], result["exit_code"], result["signal"]) == ("out_of_memory", 137, "SIGKILL")
    assert result["stdout"] == "" and result["memory_mb"] > 64


def test_a_slow_one_is_ended_at_the_limit(server):
    grow = TOUCH + "x = []\nfor i in range(100):\n    x.append(b'x' * MB)\n    time.sleep(0.1 if i < 40 else 0.6)"
    result = server.run(grow, limits={"memory_mb": 64}, timeout=60)
    assert result["status"] == "out_of_memory"
    assert 64 < result["memory_mb"] <= 68, result


def test_files_in_tmp_count_as_disk_alone(server):
    both = TOUCH + ("x = bytearray(40 * MB)\nfill(x, len(x))\nf = open('f', 'wb')\n"
                    "for _ in range(90): f.write(b'x' * MB)\nf.close()\ntime.sleep(0.2)\nprint(os.path.getsize('f'))")
    result = server.run(both, limits={"memory_mb": 64})
    assert (result["status"], result["stdout"]) == ("completed", f"{90 << 20}\n")
    assert 40 <= result["memory_mb"] <= 50
    mapped = TOUCH + ("f = open('f', 'w+b')\nf.truncate(90 * MB)\nx = mmap.mmap(f.fileno(), 90 * MB)\nfill(x, len(x))\n"
                      "os.remove('f')\ntime.sleep(0.2)\nprint('all')")
    result = server.run(mapped, limits={"memory_mb": 64})
    assert (result["status"], result["stdout"]) == ("completed", "all\n")
    assert result["memory_mb"] < 20


def test_the_page_cache_counts_as_nothing(server):
    """The program reads and maps more of the image's files than its limit."""
    read = TOUCH + """
total, rooms = 0, []
for folder, _, names in os.walk('/usr'):
    for name in names:
        path = os.path.join(folder, name)
        if os.path.islink(path) or os.path.getsize(path) < MB: continue
        with open(path, 'rb') as f:
            room = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
            for at in range(0, len(room), 4096): room[at]
            total += len(room)
            rooms.append(room)
    if total > 100 * MB: break
time.sleep(0.2)
print(total > 64 * MB)
"""
    result = server.run(read, limits={"memory_mb": 64}, timeout=60)
    assert (result["status"], result["stdout"]) == ("completed", "True\n")
    assert result["memory_mb"] < 40


@pytest.mark.parametrize("size,memory_mb", [(20, 512), (60, 64), (200, 512), (480, 512)])
def test_what_the_answer_says(server, size, memory_mb):
    result = server.run(C_TOUCH, "c", args=[str(size)], limits={"memory_mb": memory_mb})
    assert (result["status"], result["stdout"]) == ("completed", "all\n")
    assert size - 3 <= result["memory_mb"] <= size + 4


def test_a_held_interpreters_memory_counts(server):
    with serving(server):
        result = server.run(TOUCH + "x = bytearray(60 * MB)\nfill(x, len(x))\ntime.sleep(60)", timeout=40,
                            limits={"memory_mb": 60})
    assert result["status"] == "out_of_memory"


def test_a_kept_cell_starts_anew(launch):
    server = launch({"CODECELL_POOL": "python=1,*=0", "CODECELL_REUSE": "key"})
    big = TOUCH + "x = bytearray(%d * MB)\nfill(x, len(x))\ntime.sleep(%d)"
    for _ in range(2):
        assert server.run(big % (300, 0))["status"] == "completed"
        result = server.run(big % (30, 0))
        assert result["status"] == "completed" and result["memory_mb"] < 60
    assert server.run(big % (150, 60), limits={"memory_mb": 64}, timeout=40)["status"] == "out_of_memory"


def test_a_compiler_over_it(server):
    code = '#include "/dev/zero"\nint main(void) { return 0; }\n'
    result = server.run(code, "c", limits={"memory_mb": 128}, timeout=1)
    assert result["status"] == "out_of_memory" and result["exit_code"] != 0
    assert result["compile"]["exit_code"] == result["exit_code"]
    assert result["warnings"] == ["the compiler was killed for going over the memory limit"]


# The stack.

DEEP = """
#include <stdio.h>
#include <stdlib.h>
static long down(volatile long n) { return n == 0 ? 0 : down(n - 1) + 1; }
int main(int n, char **args) { printf("%ld\\n", down(atol(args[1]))); return n - 2; }
"""


def test_a_deep_recursion(server):
    assert server.run(DEEP, "c", args=["1000000"])["stdout"] == "1000000\n"


@pytest.mark.parametrize("memory_mb", [64, 2048])
def test_an_endless_recursion_ends(server, memory_mb):
    result = server.run(DEEP, "c", args=["-1"], limits={"memory_mb": memory_mb}, timeout=100)
    assert result["status"] in ("failed", "out_of_memory") and result["signal"] in ("SIGSEGV", "SIGKILL")


def test_a_large_array_on_the_stack(server):
    code = ("#include <stdio.h>\nint main(void) { volatile int a[3000000]; for (int i = 0; i < 3000000; i++) a[i] = i;"
            ' printf("%d\\n", a[2999999]); return 0; }')
    assert server.output(code, "c") == "2999999\n"


@pytest.mark.parametrize("memory_mb", [64, 2048])
def test_many_threads_start(server, memory_mb):
    code = ("import threading\ngate = threading.Barrier(61)\n"
            "for _ in range(60): threading.Thread(target=gate.wait).start()\ngate.wait()\nprint('all')")
    assert server.output(code, limits={"memory_mb": memory_mb}) == "all\n"


def test_endless_recursion_in_bash(server):
    result = server.run("f() { f; }; f; echo $?", "bash", timeout=100)
    assert result["exit_code"] == 1 and "maximum function nesting level exceeded" in result["stderr"]
