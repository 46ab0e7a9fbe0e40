#include "docker/engine/codec.h"

#include <stdio.h>
#include <string.h>

#define OPEN_FILES 512        /* open files of a process */
#define PODMAN_PROCESSES 4096 /* of a user: far above any PidsLimit of ours */
#define CORE_BYTES 1          /* see set_core() in docker/agent/setup.c */
#define OOM_SCORE 1000        /* the highest: if the host is short of memory, cells go before anything else of it */

/* What was made so far, or NULL: then `whole` is released. */
static json_t *keep_if(json_t *whole, bool good)
{
    if (good && whole != NULL)
        return whole;
    json_decref(whole);
    return NULL;
}

static json_t *strings(const char *const *list)
{
    json_t *array = json_array();
    bool good = true;

    for (size_t i = 0; good && list != NULL && list[i] != NULL; i++)
        good = json_array_append_new(array, json_string(list[i])) == 0;
    return keep_if(array, good);
}

static json_t *label_object(const char *const *labels)
{
    json_t *object = json_object();
    bool good = true;

    for (size_t i = 0; good && labels != NULL && labels[i] != NULL; i++) {
        const char *equals = strchr(labels[i], '=');
        good = equals != NULL &&
               json_object_setn_new(object, labels[i], (size_t)(equals - labels[i]), json_string(equals + 1)) == 0;
    }
    return keep_if(object, good);
}

static json_t *ulimit(const char *name, uint64_t value)
{
    return json_pack("{s:s, s:I, s:I}", "Name", name, "Soft", (json_int_t)value, "Hard", (json_int_t)value);
}

/* Not nproc: it counts a user's processes across containers; PidsLimit is the container's own. But Podman asks for a
 * million of them where none is given, and an engine that may not raise its own limits cannot start that. */
static json_t *ulimits(const struct container_spec *spec)
{
    json_t *array = json_pack("[o, o]", ulimit("nofile", OPEN_FILES), ulimit("core", CORE_BYTES));
    bool good = (spec->fsize_bytes == 0 || json_array_append_new(array, ulimit("fsize", spec->fsize_bytes)) == 0) &&
                (!spec->podman || json_array_append_new(array, ulimit("nproc", PODMAN_PROCESSES)) == 0);

    return keep_if(array, good);
}

/* What tells of the host or of other cells, and what programs do without: Docker's own list (28), which ours takes the
 * place of, and more. /proc/locks and the statistics show what others do at the moment; the rest describes the machine,
 * its devices and its kernel. Files that only root may read are not named beyond Docker's, for no program is root.
 * Each of them that exists costs a start one mount, some 60 microseconds of CPU. So what is the same on every such
 * machine (/proc/devices, /proc/iomem) is left open, and links to what is masked (/sys/block).
 * What runtimes do read stays: meminfo, stat, cpuinfo, vmstat, cgroups, filesystems, /proc/sys,
 * /sys/devices/system, /sys/kernel/mm, /sys/fs/cgroup. */
static const char *const masked[] = {"/proc/acpi",
                                     "/proc/asound",
                                     "/proc/buddyinfo",
                                     "/proc/bus",
                                     "/proc/cmdline",
                                     "/proc/config.gz",
                                     "/proc/crypto",
                                     "/proc/diskstats",
                                     "/proc/driver",
                                     "/proc/fs",
                                     "/proc/interrupts",
                                     "/proc/irq",
                                     "/proc/kallsyms",
                                     "/proc/kcore",
                                     "/proc/key-users",
                                     "/proc/keys",
                                     "/proc/latency_stats",
                                     "/proc/locks",
                                     "/proc/mdstat",
                                     "/proc/modules",
                                     "/proc/partitions",
                                     "/proc/pressure",
                                     "/proc/sched_debug",
                                     "/proc/schedstat",
                                     "/proc/scsi",
                                     "/proc/softirqs",
                                     "/proc/swaps",
                                     "/proc/sysrq-trigger",
                                     "/proc/timer_list",
                                     "/proc/timer_stats",
                                     "/proc/zoneinfo",
                                     "/sys/devices/pci0000:00",
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

/* Podman reads them here, separated by colons: one that holds a colon cannot be said. */
static json_t *podman_masks(void)
{
    char text[2048];
    size_t len = (size_t)snprintf(text, sizeof text, "mask=/etc/resolv.conf");

    for (size_t i = 0; masked[i] != NULL && len < sizeof text; i++)
        if (strchr(masked[i], ':') == NULL)
            len += (size_t)snprintf(text + len, sizeof text - len, ":%s", masked[i]);
    return len < sizeof text ? json_string(text) : NULL;
}

/* Podman tells every container the host's name servers, in a file; here nobody needs to know them. It does not read
 * MaskedPaths, and masks less by itself. */
static json_t *security(const struct container_spec *spec)
{
    json_t *array = json_pack("[s]", "no-new-privileges");
    bool good =
        (spec->seccomp == NULL || json_array_append_new(array, json_sprintf("seccomp=%s", spec->seccomp)) == 0) &&
        (!spec->podman || json_array_append_new(array, podman_masks()) == 0);

    return keep_if(array, good);
}

/* /tmp has the mode that it has everywhere: its owner is the only user there is. Podman takes neither an owner nor a
 * number of inodes, and copies the image's /tmp into it unless told not to. It puts a /var/tmp for everybody beside a
 * read-only root, past disk_mb, unless there is one already: ours takes nothing. */
static json_t *tmpfs(const struct container_spec *spec)
{
    char options[256], own[96] = "notmpcopyup";

    if (!spec->podman)
        snprintf(own, sizeof own, "nr_inodes=%llu,uid=%u,gid=%u", (unsigned long long)spec->tmpfs_inodes,
                 (unsigned)spec->uid, (unsigned)spec->uid);
    snprintf(options, sizeof options, "rw,nosuid,nodev,exec,size=%llu,mode=1777,%s",
             (unsigned long long)spec->tmpfs_bytes, own);
    return json_pack("{s:s, s:s*}", "/tmp", options, "/var/tmp",
                     spec->podman ? "ro,nosuid,nodev,noexec,size=4096,mode=0555,notmpcopyup" : NULL);
}

static json_t *mounts(const struct container_spec *spec)
{
    return json_pack("[{s:s, s:s, s:s, s:b, s:{s:b}}]", "Type", "volume", "Source", spec->volume, "Target",
                     spec->volume_target, "ReadOnly", !spec->volume_write, "VolumeOptions", "NoCopy", true);
}

/* What waits in a TCP socket is not charged to the container where cgroups are version 1: small buffers there, and few
 * descriptors, bound it. Connections that nobody has accepted, or that have just ended, are charged to nobody anywhere:
 * few of them too; docker/agent/tally.h bounds the sum. */
static json_t *sysctls(void)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "net.ipv4.tcp_rmem", "4096 8192 16384", "net.ipv4.tcp_wmem",
                     "4096 8192 16384", "net.core.somaxconn", "128", "net.ipv4.tcp_max_syn_backlog", "128",
                     "net.ipv4.tcp_max_tw_buckets", "1024");
}

/* Fields whose zero means something else to an engine than "not given". */
static bool add_optional(json_t *host, const struct container_spec *spec)
{
    return (spec->tmpfs_bytes == 0 || json_object_set_new(host, "Tmpfs", tmpfs(spec)) == 0) &&
           (spec->volume == NULL || json_object_set_new(host, "Mounts", mounts(spec)) == 0) &&
           (spec->shm_bytes == 0 ||
            json_object_set_new(host, "ShmSize", json_integer((json_int_t)spec->shm_bytes)) == 0) &&
           (spec->runtime == NULL || json_object_set_new(host, "Runtime", json_string(spec->runtime)) == 0);
}

static json_t *limits(int64_t memory_bytes, int64_t nano_cpus, int64_t pids)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "Memory", (json_int_t)memory_bytes, "MemorySwap", (json_int_t)memory_bytes,
                     "NanoCpus", (json_int_t)nano_cpus, "PidsLimit", (json_int_t)pids);
}

static json_t *host_config(const struct container_spec *spec)
{
    json_t *host = limits(spec->memory_bytes, spec->nano_cpus, spec->pids);
    json_t *fixed =
        json_pack("{s:s, s:o, s:[s], s:i, s:o, s:s, s:b, s:b, s:b, s:[s], s:o, s:o, s:{s:s}, s:{s:s}}", "NetworkMode",
                  "none", "MaskedPaths", strings(masked), "ReadonlyPaths", "/proc/sys", "OomScoreAdj", OOM_SCORE,
                  "Sysctls", sysctls(), "IpcMode", "private", "ReadonlyRootfs", spec->readonly_root, "Init", false,
                  "AutoRemove", false, "CapDrop", "ALL", "SecurityOpt", security(spec), "Ulimits", ulimits(spec),
                  "LogConfig", "Type", "none", "RestartPolicy", "Name", "no");
    bool good = json_object_update(host, fixed) == 0 && add_optional(host, spec);

    json_decref(fixed);
    return keep_if(host, good);
}

/* NetworkDisabled beside NetworkMode none: it halves what a start costs. Without a health check of ours the
 * image's own would run. The stream is attached in all three, so that nothing is lost before the attach call. */
json_t *codec_container(const struct container_spec *spec)
{
    json_t *body = json_pack("{s:s, s:o, s:[], s:s, s:o, s:o, s:b, s:{s:[s]}}", "Image", spec->image, "Entrypoint",
                             strings(spec->entrypoint), "Cmd", "WorkingDir", "/", "Labels", label_object(spec->labels),
                             "Env", strings(spec->env), "NetworkDisabled", true, "Healthcheck", "Test", "NONE");
    json_t *streams =
        json_pack("{s:b, s:b, s:b, s:b, s:b, s:b}", "Tty", false, "OpenStdin", spec->stdin_open, "StdinOnce",
                  spec->stdin_open, "AttachStdin", spec->stdin_open, "AttachStdout", true, "AttachStderr", true);
    bool good = json_object_update(body, streams) == 0 &&
                (spec->user == NULL || json_object_set_new(body, "User", json_string(spec->user)) == 0) &&
                json_object_set_new(body, "HostConfig", host_config(spec)) == 0;

    json_decref(streams);
    return keep_if(body, good);
}

json_t *codec_update_shares(unsigned shares)
{
    return json_pack("{sI}", "CpuShares", (json_int_t)shares);
}

json_t *codec_update(int64_t memory_bytes, int64_t nano_cpus, int64_t pids)
{
    return limits(memory_bytes, nano_cpus, pids);
}
