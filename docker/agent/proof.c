#include "docker/agent/proof.h"

#include "docker/agent/system.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define DESCRIPTORS 64  /* the agent's own are below this number */
#define PROCESSORS 8192 /* bits of a CPU affinity */
#define SCHED_ATTR 64   /* bytes, more than struct sched_attr of any kernel has */

/* What the engine or a process of the same user can change in the agent. All bytes are zeroed first, because they are
 * compared as bytes. */
struct self {
    struct rlimit limits[RLIM_NLIMITS];
    uint8_t scheduling[SCHED_ATTR]; /* policy, nice, priority */
    uint8_t affinity[PROCESSORS / 8];
    long io_priority;
    int dumpable, no_new_privileges, slack, persona;
    mode_t mask;
    uint64_t blocked, pending;
    char oom[16];
    unsigned descriptors; /* how many are open */
    struct utsname names;
};

enum text { OOM, UNIX, LABELS, COUNTS, COUNTS6, TEXTS };

static struct proof {
    int texts[TEXTS]; /* descriptors, open because opening takes most of the time of reading; -1: no such file */
    struct self self;
    /* The fewest in the network namespace so far. One is the kernel's. At the agent's start there may still be some of
     * the container's making, because the kernel frees a socket a moment after its close. */
    uint64_t sockets;
} proof;

static void open_texts(void)
{
    static const char *const paths[TEXTS] = {"/proc/self/oom_score_adj", "/proc/net/unix", "/proc/net/ip6_flowlabel",
                                             "/proc/net/sockstat", "/proc/net/sockstat6"};
    for (int i = 0; i < TEXTS; i++) {
        proof.texts[i] = open(paths[i], O_RDONLY | O_CLOEXEC);
        if (proof.texts[i] < 0 && errno != ENOENT)
            system_end();
    }
}

/* Reads the first bytes of a file. Their number, or -1. */
static ssize_t proof_read_text(int fd, char *text, size_t size)
{
    ssize_t len = pread(fd, text, size - 1, 0);
    text[len < 0 ? 0 : len] = '\0';
    return len;
}

static unsigned count_descriptors(void)
{
    struct pollfd set[DESCRIPTORS];
    unsigned open = DESCRIPTORS;
    for (int i = 0; i < DESCRIPTORS; i++)
        set[i] = (struct pollfd){i, 0, 0};
    system_must(poll(set, DESCRIPTORS, 0));
    for (int i = 0; i < DESCRIPTORS; i++)
        open -= (set[i].revents & POLLNVAL) != 0;
    return open;
}

static void read_self(struct self *self)
{
    memset(self, 0, sizeof *self);
    for (int i = 0; i < (int)RLIM_NLIMITS; i++)
        system_must(getrlimit((__rlimit_resource_t)i, &self->limits[i]));
    system_must(syscall(SYS_sched_getattr, 0l, self->scheduling, (long)sizeof self->scheduling, 0l));
    system_must(syscall(SYS_sched_getaffinity, 0l, (long)sizeof self->affinity, self->affinity));
    self->io_priority = system_must(syscall(SYS_ioprio_get, 1l, 0l));
    self->dumpable = (int)system_must(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
    self->no_new_privileges = (int)system_must(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    self->slack = (int)system_must(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0));
    self->persona = (int)system_must(syscall(SYS_personality, 0xffffffffl));
    self->mask = umask(0);
    umask(self->mask);
    system_must(syscall(SYS_rt_sigprocmask, 0l, NULL, &self->blocked, (long)sizeof self->blocked));
    system_must(syscall(SYS_rt_sigpending, &self->pending, (long)sizeof self->pending));
    system_must(proof_read_text(proof.texts[OOM], self->oom, sizeof self->oom));
    self->descriptors = count_descriptors();
    system_must(uname(&self->names));
}

/* The number after `name`; 0: there is no such name. */
static uint64_t number_after(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

static int proof_failed(int error)
{
    errno = error;
    return -1;
}

/* Checks that a table of the kernel has no line except its heading. */
static int check_table(int fd)
{
    char text[512];
    if (proof_read_text(fd, text, sizeof text) < 0)
        return -1;
    const char *end = strchr(text, '\n');
    return end && end[1] == '\0' ? 0 : proof_failed(0);
}

/* For kernels without counts, because these tables take milliseconds to read on large hosts. */
static int check_tcp_table(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    int result = check_table(fd), error = errno;
    close(fd);
    errno = error;
    return result;
}

static int check_tcp(void)
{
    char text[1024];
    if (proof.texts[COUNTS] < 0)
        return check_tcp_table("/proc/net/tcp") < 0 ? -1 : check_tcp_table("/proc/net/tcp6");
    if (proof_read_text(proof.texts[COUNTS], text, sizeof text) < 0)
        return -1;
    if (number_after(text, " tw ") > 0)
        return proof_failed(EADDRINUSE);
    uint64_t sockets = number_after(text, "sockets: used ");
    if (number_after(text, "TCP: inuse ") > 0 || sockets > proof.sockets)
        return proof_failed(0);
    proof.sockets = sockets;
    if (proof.texts[COUNTS6] < 0)
        return 0;
    if (proof_read_text(proof.texts[COUNTS6], text, sizeof text) < 0)
        return -1;
    return number_after(text, "TCP6: inuse ") > 0 ? proof_failed(0) : 0;
}

static int check_sockets(void)
{
    if (check_table(proof.texts[UNIX]) < 0)
        return -1;
    if (proof.texts[LABELS] >= 0 && check_table(proof.texts[LABELS]) < 0)
        return -1;
    return check_tcp();
}

union answer {
    struct shm_info shm_info;
    struct shmid_ds shm;
    struct seminfo sem_info;
    struct semid_ds sem;
    struct msginfo msg_info;
    struct msqid_ds msg;
};

static int call_shm(int id, int command, union answer *answer)
{
    return shmctl(id, command, (struct shmid_ds *)(void *)answer);
}

static int call_sem(int id, int command, union answer *answer)
{
    return semctl(id, 0, command, answer);
}

static int call_msg(int id, int command, union answer *answer)
{
    return msgctl(id, command, (struct msqid_ds *)(void *)answer);
}

static int shm_used(const union answer *answer)
{
    return answer->shm_info.used_ids;
}

static int sem_used(const union answer *answer)
{
    return answer->sem_info.semusz;
}

static int msg_used(const union answer *answer)
{
    return answer->msg_info.msgpool;
}

static const struct ipc {
    int info; /* command that returns the highest index, and in its answer how many objects there are */
    int look; /* command that returns the id at an index, whatever its permissions */
    int (*call)(int id, int command, union answer *answer);
    int (*used)(const union answer *answer);
} kinds[] = {
    {SHM_INFO, SHM_STAT_ANY, call_shm, shm_used},
    {SEM_INFO, SEM_STAT_ANY, call_sem, sem_used},
    {MSG_INFO, MSG_STAT_ANY, call_msg, msg_used},
};

#define KINDS (sizeof kinds / sizeof *kinds)

int proof_clear_ipc(void)
{
    union answer answer;
    for (const struct ipc *kind = kinds; kind < kinds + KINDS; kind++) {
        int top = kind->call(0, kind->info, &answer);
        if (top < 0)
            return -1;
        for (int i = kind->used(&answer) > 0 ? 0 : top + 1; i <= top; i++) {
            int id = kind->call(i, kind->look, &answer);
            if (id < 0 && errno == EINVAL) /* no object at this index */
                continue;
            if (id < 0 || kind->call(id, IPC_RMID, &answer) < 0)
                return -1;
        }
    }
    return 0;
}

static int check_ipc(void)
{
    union answer answer;
    for (const struct ipc *kind = kinds; kind < kinds + KINDS; kind++) {
        if (kind->call(0, kind->info, &answer) < 0)
            return -1;
        if (kind->used(&answer) > 0)
            return proof_failed(0);
    }
    return 0;
}

void proof_open(void)
{
    char text[1024];
    open_texts();
    if (proof.texts[COUNTS] >= 0 && proof_read_text(proof.texts[COUNTS], text, sizeof text) >= 0)
        proof.sockets = number_after(text, "sockets: used ");
    read_self(&proof.self);
}

int proof_check(void)
{
    static struct self now;
    read_self(&now);
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): both were zeroed, their gaps are equal */
    if (memcmp(&now, &proof.self, sizeof now) != 0)
        return proof_failed(0);
    return check_ipc() < 0 ? -1 : check_sockets();
}
