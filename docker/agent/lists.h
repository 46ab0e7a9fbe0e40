/* The system calls, the commands of ioctl and fcntl, and the options of sockets and prctl that a program may use. These
 * are lists of what is allowed, so that what a newer kernel adds is refused. What is not listed makes the kernel keep
 * memory that is charged to no cgroup, lasts longer than the program, loads a kernel module, or is useless in a cell;
 * docs/kernel-memory.md has the measurements. */
#ifndef CODECELL_AGENT_LISTS_H
#define CODECELL_AGENT_LISTS_H

#include <stddef.h>
#include <stdint.h>

struct range {
    uint32_t from, to; /* both included */
};

struct range_list {
    const struct range *ranges; /* in ascending order */
    unsigned count;
};

/* The numbers of all system calls up to removexattrat of Linux 6.13. Any other call fails with ENOSYS, so that
 * libraries fall back to an older call. Numbers with the x32 bit are above the lists. Linux lets two calls of x86_64
 * past every filter, uretprobe and uprobe (335, 336): outside of a probe they kill the program or fail with ENXIO. */
extern const struct range_list list_calls_x86_64;
extern const struct range_list list_calls_aarch64;

extern const struct range_list list_ioctl;  /* commands */
extern const struct range_list list_fcntl;  /* commands */
extern const struct range_list list_prctl;  /* options */
extern const struct range_list list_socket; /* options of setsockopt: SOL_SOCKET */
extern const struct range_list list_tcp;    /* IPPROTO_TCP */
extern const struct range_list list_ip;     /* IPPROTO_IP */
extern const struct range_list list_ip6;    /* IPPROTO_IPV6 */

#endif
