#include "docker/wire/confine.h"

#include <stddef.h>

/* Files that describe the host or other cells, and that programs do not need: Docker's own 28, which these two lists
 * replace, and more. /proc/locks and the statistics show what others do at the moment; the rest describes the machine,
 * its devices and its kernel. Beyond Docker's list, files that only root can read are not named, because no program is
 * root. Each masked file that exists costs a mount at the start, about 60 microseconds of processor time. Therefore
 * files that are the same on every such machine (/proc/devices, /proc/iomem) and links into masked folders (/sys/block)
 * stay open. So do the files that language runtimes read: meminfo, stat, cpuinfo, vmstat, cgroups, filesystems,
 * /proc/sys, /sys/devices/system, /sys/kernel/mm, /sys/fs/cgroup. */
const char *const confine_proc_masked[] = {
    "/proc/acpi",          "/proc/asound",      "/proc/buddyinfo",   "/proc/bus",
    "/proc/cmdline",       "/proc/config.gz",   "/proc/crypto",      "/proc/diskstats",
    "/proc/driver",        "/proc/fs",          "/proc/interrupts",  "/proc/irq",
    "/proc/kallsyms",      "/proc/kcore",       "/proc/key-users",   "/proc/keys",
    "/proc/latency_stats", "/proc/locks",       "/proc/mdstat",      "/proc/modules",
    "/proc/partitions",    "/proc/pressure",    "/proc/sched_debug", "/proc/schedstat",
    "/proc/scsi",          "/proc/softirqs",    "/proc/swaps",       "/proc/sysrq-trigger",
    "/proc/timer_list",    "/proc/timer_stats", "/proc/zoneinfo",    NULL};

const char *const confine_sys_masked[] = {"/sys/devices/pci0000:00",
                                          "/sys/devices/virtual/block",
                                          "/sys/devices/virtual/dmi",
                                          "/sys/devices/virtual/powercap",
                                          "/sys/devices/virtual/thermal",
                                          "/sys/firmware",
                                          "/sys/fs/ext4",
                                          "/sys/fs/xfs",
                                          "/sys/kernel/irq",
                                          "/sys/kernel/notes",
                                          "/sys/kernel/slab",
                                          "/sys/kernel/vmcoreinfo",
                                          "/sys/module",
                                          NULL};

const char *const confine_proc_readonly[] = {"/proc/sys", NULL};

/* With cgroups v1, the data in TCP sockets does not count for the container, so small buffers and few descriptors bound
 * it. Connections that wait to be accepted, or have just ended, count for no container with either version, so there
 * may be few of them; docker/agent/tally.h bounds the sum. */
const struct confine_sysctl confine_sysctls[] = {
    {"net.ipv4.tcp_rmem", "4096 8192 16384"}, {"net.ipv4.tcp_wmem", "4096 8192 16384"}, {"net.core.somaxconn", "128"},
    {"net.ipv4.tcp_max_syn_backlog", "128"},  {"net.ipv4.tcp_max_tw_buckets", "1024"},  {NULL, NULL}};
