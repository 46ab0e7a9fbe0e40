/* What a program may name in the calls that have a wide choice of their own: commands of ioctl and fcntl, options of
 * sockets and of prctl. By what is allowed: what nobody thought of, or a newer kernel brings, is not there. Each list
 * is of ranges in ascending order. What is left out holds memory that is charged to nobody, lasts longer than the
 * program, loads a module, or is of no use here; docs/kernel-memory.md has what was measured. */
#ifndef CODECELL_AGENT_LISTS_H
#define CODECELL_AGENT_LISTS_H

#include <stddef.h>
#include <stdint.h>

struct range {
    uint32_t from, to; /* both belong to it */
};

struct list {
    const struct range *ranges;
    unsigned count;
};

/* The numbers of system calls that were given out up to removexattrat of Linux 6.13. Any other is of a call that this
 * filter knows nothing of, so it is "not there": programs ask again in an older way. The numbers with the x32 bit are
 * all above them. Linux lets two calls of x86_64 past every filter, uretprobe and uprobe (335, 336): a program that
 * makes them outside of a probe is killed, or told ENXIO. */
extern const struct list list_calls_x86_64;
extern const struct list list_calls_aarch64;

extern const struct list list_ioctl;  /* commands */
extern const struct list list_fcntl;  /* commands */
extern const struct list list_prctl;  /* options */
extern const struct list list_socket; /* options of setsockopt, of SOL_SOCKET */
extern const struct list list_tcp;    /* of IPPROTO_TCP */
extern const struct list list_ip;     /* of IPPROTO_IP */
extern const struct list list_ip6;    /* of IPPROTO_IPV6 */

#endif
