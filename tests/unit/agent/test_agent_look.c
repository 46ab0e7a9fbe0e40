/* Where an interpreter is held: which calls look at the working folder, wait for stdin, or leave something. */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "docker/agent/look.h"

#include <signal.h>

#define LOOKS(call, path, ...)                    \
    {                                             \
        SYS_##call, {__VA_ARGS__}, path, LOOK_YES \
    }
#define HIDDEN(call, path, ...)                      \
    {                                                \
        SYS_##call, {__VA_ARGS__}, path, LOOK_HIDDEN \
    }
#define ASKS(call, path, ...)                      \
    {                                              \
        SYS_##call, {__VA_ARGS__}, path, LOOK_ASKS \
    }
#define PASSES(call, path, ...)                  \
    {                                            \
        SYS_##call, {__VA_ARGS__}, path, LOOK_NO \
    }
#define CWD ((uint64_t)(unsigned)AT_FDCWD) /* as a compiler passes an int: the upper half says nothing */

static const struct look_case {
    long call;
    uint64_t args[6];
    const char *path; /* NULL: the call has none, or it does not matter */
    enum look look;
} looks[] = {
    LOOKS(openat, "main.py", CWD),
    LOOKS(openat, "main.py", (uint64_t)AT_FDCWD),
    LOOKS(openat, "/tmp/work/main.py", CWD),
    LOOKS(openat, "/tmp/work/main.py", 5),
    LOOKS(openat, "/tmp/work", CWD),
    LOOKS(openat, ".", CWD),
    LOOKS(openat, "..", CWD),
    LOOKS(openat, "", CWD),
    LOOKS(openat, "/tmp", CWD), /* and on from there */
    LOOKS(openat, "/", CWD),
    LOOKS(openat, "../tmp/work/x", 5),
    LOOKS(openat, "//tmp/work/x", CWD),
    LOOKS(openat, "/tmp//work/x", CWD),
    LOOKS(openat, "/tmp/./work/x", CWD),
    LOOKS(openat, "/usr/../tmp/work", CWD),
    LOOKS(openat, "/tmp/x/../work", CWD),
    LOOKS(openat, "/proc/self/cwd/main.py", CWD),
    LOOKS(openat, "/proc/1/cwd", CWD),
    LOOKS(openat, "/proc/self/root/tmp/work", CWD),
    LOOKS(openat, "/proc/self/fd/3", CWD),
    LOOKS(openat, "/proc/self/status", CWD),
    LOOKS(openat, "/dev/stdin", CWD),
    LOOKS(openat, "/dev/fd/0", CWD),
    LOOKS(newfstatat, "main.py", CWD),
    LOOKS(newfstatat, "./main.py", CWD),
    LOOKS(newfstatat, "/tmp/work/main.py", CWD),
    LOOKS(newfstatat, "/tmp/work/", CWD),
    LOOKS(statx, "node_modules", CWD),
    LOOKS(faccessat, "a", CWD),
    LOOKS(faccessat2, "a", CWD),
    LOOKS(readlinkat, "main.py", CWD),
    LOOKS(execve, "./main", 0),
    LOOKS(execve, "main", 0),
    LOOKS(execve, "/tmp/work/main", 0),
    LOOKS(execveat, "main", CWD),
    LOOKS(chdir, "/tmp/work", 0),
    LOOKS(chdir, ".", 0),
    LOOKS(statfs, "/tmp/work", 0),
    LOOKS(statfs, ".", 0),
    LOOKS(inotify_add_watch, "/tmp/work", 4),
    LOOKS(getxattr, "/tmp/work", 0),
    LOOKS(lgetxattr, "a", 0),
    LOOKS(listxattr, "a", 0),
    LOOKS(name_to_handle_at, "a", CWD),
    /* what it would leave, or wait for */
    LOOKS(openat, NULL, CWD, 0, O_CREAT | O_WRONLY),
    LOOKS(openat, NULL, CWD, 0, O_TRUNC | O_WRONLY),
    LOOKS(openat, NULL, CWD, 0, O_TMPFILE | O_RDWR),
    LOOKS(openat2, NULL, CWD),
    LOOKS(mkdirat, NULL, CWD),
    LOOKS(renameat2, NULL, CWD),
    LOOKS(symlinkat, NULL, 0),
    LOOKS(unlinkat, NULL, CWD),
    LOOKS(mq_open, NULL, 0),
    LOOKS(shmget, NULL, 0),
    LOOKS(bind, NULL, 3),
    LOOKS(connect, "/tmp/work/socket", 3),
    LOOKS(connect, "\037\220", 3), /* an internet address */
    LOOKS(connect, "", 3),
    LOOKS(clone, NULL, SIGCHLD),
    LOOKS(clone, NULL, CLONE_VM | CLONE_VFORK | SIGCHLD),
    LOOKS(read, NULL, 0),
    LOOKS(readv, NULL, 0),
    /* a user's own settings */
    HIDDEN(newfstatat, "/tmp/work/.local/lib/python3.13/site-packages", CWD),
    HIDDEN(faccessat, "/tmp/work/.npmrc", CWD),
    HIDDEN(readlinkat, "/tmp/work/..rc", 5),
    LOOKS(openat, "/tmp/work/.npmrc", CWD), /* a descriptor may be kept */
    LOOKS(newfstatat, "/tmp/work/.", CWD),
    LOOKS(newfstatat, "/tmp/work/..", CWD),
    LOOKS(newfstatat, "/tmp/work/./main.py", CWD),
    LOOKS(newfstatat, "/tmp/work/../work/main.py", CWD),
    LOOKS(newfstatat, "/tmp/work/.a/../main.py", CWD),
    LOOKS(newfstatat, "/tmp/work//.a", CWD),
    LOOKS(newfstatat, "/tmp/work/a/.b", CWD),
    LOOKS(newfstatat, ".npmrc", CWD),
    LOOKS(execve, "/tmp/work/.a", 0),
    /* nothing of the job's */
    PASSES(openat, "/usr/lib/python3.11/os.py", CWD, 0, O_RDONLY | O_CLOEXEC),
    PASSES(openat, "/tmp/worker", CWD),
    PASSES(openat, "/tmp/work2/main.py", CWD),
    PASSES(openat, "/usr/tmp/work/main.py", CWD),
    PASSES(openat, "/usr/bin/../lib/libnode.so", CWD),
    PASSES(openat, "/usr/lib//libc.so", CWD),
    PASSES(openat, "os.py", 5),
    PASSES(openat, "/dev/null", CWD, 0, O_RDWR),
    PASSES(openat, "/usr/lib", CWD, 0, O_DIRECTORY),
    PASSES(openat, "/proc/self/maps", CWD),
    PASSES(openat, "/proc/self/cgroup", CWD),
    PASSES(openat, "/proc/meminfo", CWD),
    PASSES(newfstatat, ".", CWD),
    PASSES(newfstatat, "", CWD),
    PASSES(newfstatat, "", 3),
    PASSES(newfstatat, "/tmp/work", CWD),
    PASSES(newfstatat, "/tmp", CWD),
    PASSES(newfstatat, "/", CWD),
    PASSES(statx, "/tmp/work", CWD),
    PASSES(readlinkat, "/proc/self/exe", CWD),
    PASSES(readlinkat, "/tmp/work", CWD),
    PASSES(execve, "/usr/bin/python3", 0),
    PASSES(chdir, "/", 0),
    PASSES(inotify_add_watch, "/etc", 4),
    PASSES(clone, NULL, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD),
    PASSES(connect, "/var/run/nscd/socket", 3),
    PASSES(getuid, NULL, 0),
    PASSES(read, NULL, 3),
    PASSES(write, NULL, 1),
    PASSES(getcwd, NULL, 0),
    PASSES(mmap, NULL, 0),
    PASSES(exit_group, NULL, 0),
#if defined(__x86_64__)
    LOOKS(open, "main.py", 0),
    LOOKS(open, NULL, 0, O_CREAT),
    LOOKS(stat, "main.py", 0),
    LOOKS(lstat, "/tmp/work/main.py", 0),
    LOOKS(access, "main.py", 0),
    LOOKS(readlink, "main.py", 0),
    LOOKS(creat, NULL, 0),
    LOOKS(fork, NULL, 0),
    LOOKS(vfork, NULL, 0),
    PASSES(stat, "/tmp/work", 0),
    PASSES(lstat, ".", 0),
    PASSES(open, "/etc/passwd", 0),
    PASSES(access, "/etc/ld.so.preload", 0),
#endif
};

static void check_looks(const struct look_case *cases, size_t count, enum frame_hold where)
{
    for (size_t i = 0; i < count; i++) {
        struct look_call call = {.number = (uint64_t)cases[i].call};
        uint64_t address = 0;
        memcpy(call.args, cases[i].args, sizeof call.args);
        enum look look = look_call(&call, where, &address);
        bool depends = look == LOOK_PATH;
        if (depends && cases[i].path)
            look = look_path(&call, where, cases[i].path);
        if (depends != (cases[i].path != NULL) || look != cases[i].look)
            fail_msg("call %ld of \"%s\", line %zu of the table", cases[i].call, cases[i].path ? cases[i].path : "", i);
    }
}

static void test_looks(void **state)
{
    (void)state;
    check_looks(looks, sizeof looks / sizeof *looks, FRAME_HOLD_FILE);
}

/* Held later: what is asked, made elsewhere, and started passes. */
static void test_looks_at_content(void **state)
{
    static const struct look_case cases[] = {
        LOOKS(openat, "main.py", CWD),
        LOOKS(openat, "/tmp/work/main.py", CWD),
        LOOKS(openat, "/tmp/work", CWD, 0, O_DIRECTORY),
        LOOKS(openat, ".", CWD),
        LOOKS(openat, "/tmp", CWD),
        LOOKS(openat, "/tmp/x/../work/a", CWD, 0, O_CREAT),
        LOOKS(openat, "/tmp/work/new", CWD, 0, O_CREAT | O_WRONLY),
        LOOKS(openat, "new", CWD, 0, O_CREAT | O_WRONLY),
        LOOKS(openat, "/tmp/work/.new", CWD, 0, O_CREAT | O_WRONLY),
        LOOKS(openat, "/tmp/work/.a/../main.py", CWD),
        LOOKS(openat, "/dev/shm/new", CWD, 0, O_CREAT | O_RDWR),
        LOOKS(openat, "/proc/self/cwd/x", CWD),
        LOOKS(openat, "/dev/stdin", CWD),
        LOOKS(openat, "../x", 5),
        LOOKS(openat2, NULL, CWD),
        LOOKS(execve, "./main", 0),
        LOOKS(execve, "/tmp/work/main", 0),
        LOOKS(chdir, "/tmp/work", 0),
        LOOKS(statfs, ".", 0),
        LOOKS(mkdirat, "/tmp/work/new", CWD),
        LOOKS(mkdirat, "new", CWD),
        LOOKS(fchmodat, "/tmp", CWD),
        LOOKS(unlinkat, "main.py", CWD),
        LOOKS(bind, "/tmp/work/socket", 3),
        LOOKS(bind, "\037\220", 3), /* an internet address */
        LOOKS(connect, "/tmp/work/socket", 3),
        LOOKS(connect, "", 3),
        LOOKS(renameat2, NULL, CWD),
        LOOKS(symlinkat, NULL, 0),
        LOOKS(shmget, NULL, 0),
        LOOKS(mq_open, NULL, 0),
        LOOKS(ptrace, NULL, 0),
        LOOKS(read, NULL, 0),
        HIDDEN(openat, "/tmp/work/.npmrc", CWD),
        HIDDEN(openat, ".Rprofile", CWD),
        HIDDEN(openat, "./.Rprofile", CWD),
        HIDDEN(newfstatat, "/tmp/work/.config/x", CWD),
        HIDDEN(newfstatat, ".x", CWD),
        PASSES(newfstatat, ".", CWD),
        PASSES(newfstatat, "/tmp/work", CWD),
        ASKS(newfstatat, "main.py", CWD),
        ASKS(newfstatat, "./main.py", CWD),
        ASKS(newfstatat, "/tmp/work/main.py", CWD),
        ASKS(newfstatat, "/tmp/work/../work/main.py", CWD),
        ASKS(statx, "a/b", CWD),
        ASKS(faccessat2, "/tmp/work/a", CWD),
        ASKS(readlinkat, "main.py", CWD),
        PASSES(readlinkat, "/proc/self/cwd", CWD),
        PASSES(openat, "/tmp/x", CWD, 0, O_CREAT | O_WRONLY),
        PASSES(openat, "/tmp/worker/x", CWD, 0, O_CREAT | O_TRUNC),
        PASSES(openat, "/dev/null", CWD, 0, O_CREAT | O_TRUNC),
        PASSES(openat, "x", 5, O_CREAT),
        PASSES(openat, "/proc/self/status", CWD),
        PASSES(openat, "/usr/lib/os.py", CWD),
        PASSES(mkdirat, "/tmp/Rtmp1", CWD),
        PASSES(unlinkat, "/tmp/Rtmp1/x", CWD),
        PASSES(fchmodat, "/tmp/x", CWD),
        PASSES(utimensat, "/tmp/x", CWD),
        PASSES(bind, "/tmp/socket", 3),
        PASSES(connect, "/var/run/nscd/socket", 3),
        PASSES(chdir, "/", 0),
        PASSES(execve, "/usr/bin/env", 0),
        PASSES(clone, NULL, SIGCHLD),
        PASSES(clone, NULL, CLONE_VM | CLONE_VFORK | SIGCHLD),
        PASSES(getuid, NULL, 0),
        PASSES(read, NULL, 3),
#if defined(__x86_64__)
        LOOKS(creat, "a", 0),
        LOOKS(open, "a", 0),
        PASSES(creat, "/tmp/x", 0),
        ASKS(stat, "a", 0),
        PASSES(fork, NULL, 0),
        PASSES(vfork, NULL, 0),
        PASSES(mkdir, "/tmp/x", 0),
#endif
    };
    (void)state;
    check_looks(cases, sizeof cases / sizeof *cases, FRAME_HOLD_OPEN);
}

static void test_looks_for_the_user(void **state)
{
    static const struct look_case cases[] = {LOOKS(getuid, NULL, 0), LOOKS(newfstatat, "main.sh", CWD),
                                             PASSES(geteuid, NULL, 0)};
    (void)state;
    check_looks(cases, sizeof cases / sizeof *cases, FRAME_HOLD_GETUID);
}

/* Which argument the path is. */
static void test_where_the_path_is(void **state)
{
    static const struct {
        long call;
        uint64_t argument;
    } paths[] = {{SYS_openat, 1}, {SYS_execve, 0}, {SYS_chdir, 0}, {SYS_inotify_add_watch, 1}, {SYS_statx, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const struct look_call call = {.number = (uint64_t)paths[i].call, .args = {100, 101, 0, 103, 104, 105}};
        uint64_t address = 0;
        assert_int_equal(look_call(&call, FRAME_HOLD_FILE, &address), LOOK_PATH);
        assert_int_equal(address, 100 + paths[i].argument);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_looks),
        cmocka_unit_test(test_looks_at_content),
        cmocka_unit_test(test_looks_for_the_user),
        cmocka_unit_test(test_where_the_path_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
