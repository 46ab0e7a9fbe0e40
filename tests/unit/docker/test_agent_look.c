/* Where an interpreter is held: which calls look at the working folder, wait for stdin, or leave something. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "docker/agent/look.c" /* NOLINT(bugprone-suspicious-include): the agent is no library */

#include <signal.h>

#define LOOKS(call, path, ...)                    \
    {                                             \
        SYS_##call, {__VA_ARGS__}, path, LOOK_YES \
    }
#define HIDDEN(call, path, ...)                      \
    {                                                \
        SYS_##call, {__VA_ARGS__}, path, LOOK_HIDDEN \
    }
#define PASSES(call, path, ...)                  \
    {                                            \
        SYS_##call, {__VA_ARGS__}, path, LOOK_NO \
    }
#define CWD ((uint64_t)(unsigned)AT_FDCWD) /* as a compiler passes an int: the upper half says nothing */

static const struct {
    long call;
    uint64_t args[6];
    const char *path; /* NULL: the call has none */
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
    LOOKS(connect, NULL, 3),
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

static void test_looks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        struct look_call call = {.number = (uint64_t)looks[i].call};
        uint64_t address = 0;
        memcpy(call.args, looks[i].args, sizeof call.args);
        enum look look = look_call(&call, &address);
        bool depends = look == LOOK_PATH;
        if (depends && looks[i].path)
            look = look_path(&call, looks[i].path);
        if (depends != (looks[i].path != NULL) || look != looks[i].look)
            fail_msg("call %ld of \"%s\", line %zu of the table", looks[i].call, looks[i].path ? looks[i].path : "", i);
    }
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
        assert_int_equal(look_call(&call, &address), LOOK_PATH);
        assert_int_equal(address, 100 + paths[i].argument);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_looks),
        cmocka_unit_test(test_where_the_path_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
