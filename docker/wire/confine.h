/* What is kept from programs in /proc, /sys and the network. The engine applies it to a container without capsules, and
 * the agent to each capsule; both take it from here. No allocation, no state. */
#ifndef CODECELL_DOCKER_WIRE_CONFINE_H
#define CODECELL_DOCKER_WIRE_CONFINE_H

/* Absolute paths, NULL after the last. A path that the kernel does not have is skipped. */
extern const char *const confine_proc_masked[];   /* a file reads as empty, a folder lists nothing */
extern const char *const confine_sys_masked[];    /* likewise; the engine masks these with capsules, too */
extern const char *const confine_proc_readonly[]; /* mounted read-only */

#define CONFINE_SHM_BYTES (16u << 20) /* of /dev/shm */

/* A kernel setting of a network namespace. */
struct confine_sysctl {
    const char *name; /* with dots: "net.core.somaxconn" */
    const char *value;
};
extern const struct confine_sysctl confine_sysctls[]; /* the last one's name is NULL */

#endif
