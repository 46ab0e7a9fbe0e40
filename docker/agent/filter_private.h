/* The filter's table, from which filter.c builds and which its test goes through. */
#ifndef CODECELL_AGENT_FILTER_PRIVATE_H
#define CODECELL_AGENT_FILTER_PRIVATE_H

#include "docker/agent/lists.h"

#include <linux/audit.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#define CALLS list_calls_x86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#define CALLS list_calls_aarch64
#else
#error "the agent's filter knows x86_64 and aarch64"
#endif

/* What the filter does with a call. Each has a block of instructions at the filter's end. */
enum check {
    REFUSED, /* EPERM */
    MISSING, /* ENOSYS, so that libc falls back to a call that can be checked */
    PID,     /* EPERM if the first argument is the agent's process id */
    TARGET,  /* EPERM if the second argument is */
    PAIR,    /* EPERM if either of the two is */
    LIMITS,  /* prlimit64: EPERM for the agent; a change of RLIMIT_CORE returns 0 without effect */
    CORE,    /* setrlimit: a change of RLIMIT_CORE returns 0 without effect */
    NICE,    /* setpriority: EPERM for the agent, its process group, or a user's processes */
    IO_NICE, /* ioprio_set: EPERM for the same */
    CLONE,   /* EPERM for a new namespace, or a thread with its own descriptors, which tally.c would not see */
    SOCKET,  /* EAFNOSUPPORT except for Unix sockets and TCP, because the host loads a module for an unknown protocol */
    OPTION,  /* setsockopt: ENOPROTOOPT unless lists.h has it; a buffer's size returns 0 without effect */
    IOCTL,   /* ENOTTY unless lists.h has it */
    FCNTL,   /* EINVAL unless lists.h has it */
    PRCTL,   /* EINVAL unless lists.h has it */
    RANGE,   /* close_range: ENOSYS if it gives a thread its own descriptors */
    CHECKS
};

struct rule {
    int call;
    enum check check;
};

extern struct rule filter_rules[];
extern const int filter_rules_len;

#endif
