#include "docker/engine/codec.h"

#include <stdio.h>
#include <string.h>

#define OPEN_FILES 512        /* of a process */
#define PODMAN_PROCESSES 4096 /* of a user: far above any PidsLimit of ours */
#define CORE_BYTES 1          /* see set_core() in docker/agent/setup.c */
#define OOM_SCORE 1000        /* the highest: if the host is short of memory, the kernel kills cells first */

/* Returns `whole` if all of it could be made; otherwise releases it and returns NULL. */
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

/* There is no nproc, because it counts a user's processes over all containers; PidsLimit counts those of one container.
 * Podman gets one nevertheless: without it, Podman asks for a million, and an engine that may not raise its own limits
 * then cannot start the container. */
static json_t *ulimits(const struct container_spec *spec)
{
    json_t *array = json_pack("[o, o]", ulimit("nofile", OPEN_FILES), ulimit("core", CORE_BYTES));
    bool good = (spec->fsize_bytes == 0 || json_array_append_new(array, ulimit("fsize", spec->fsize_bytes)) == 0) &&
                (!spec->podman || json_array_append_new(array, ulimit("nproc", PODMAN_PROCESSES)) == 0);

    return keep_if(array, good);
}

/* Files that describe the host or other cells, and that programs do not need: Docker's own 28, which this list
 * replaces, and more. /proc/locks and the statistics show what others do at the moment; the rest describes the machine,
 * its devices and its kernel. Beyond Docker's list, files that only root can read are not named, because no program is
 * root. Each masked file that exists costs a mount at the start, about 60 microseconds of processor time. Therefore
 * files that are the same on every such machine (/proc/devices, /proc/iomem) and links into masked folders (/sys/block)
 * stay open. So do the files that language runtimes read: meminfo, stat, cpuinfo, vmstat, cgroups, filesystems,
 * /proc/sys, /sys/devices/system, /sys/kernel/mm, /sys/fs/cgroup. */
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

/* Podman takes the list as an option, separated by colons. A path with a colon in it cannot be expressed. */
static json_t *podman_masks(void)
{
    char text[2048];
    size_t len = (size_t)snprintf(text, sizeof text, "mask=/etc/resolv.conf");

    for (size_t i = 0; masked[i] != NULL && len < sizeof text; i++)
        if (strchr(masked[i], ':') == NULL)
            len += (size_t)snprintf(text + len, sizeof text - len, ":%s", masked[i]);
    return len < sizeof text ? json_string(text) : NULL;
}

/* Podman ignores MaskedPaths, and masks fewer files by itself. It also gives every container a file with the host's
 * name servers, which is masked as well. */
static json_t *security(const struct container_spec *spec)
{
    json_t *array = json_pack("[s]", "no-new-privileges");
    bool good =
        (spec->seccomp == NULL || json_array_append_new(array, json_sprintf("seccomp=%s", spec->seccomp)) == 0) &&
        (!spec->podman || json_array_append_new(array, podman_masks()) == 0);

    return keep_if(array, good);
}

/* /tmp has its usual mode, 1777. Podman takes neither an owner nor a number of inodes, and copies the image's /tmp into
 * the new one unless an option forbids it. Beside a read-only root it also mounts a writable /var/tmp, which disk_mb
 * would not count, unless there is one already: ours is read-only. */
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

/* With cgroups v1, the data in TCP sockets does not count for the container, so small buffers and few descriptors bound
 * it. Connections that wait to be accepted, or have just ended, count for no container with either version, so there
 * may be few of them; docker/agent/tally.h bounds the sum. */
static json_t *sysctls(void)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "net.ipv4.tcp_rmem", "4096 8192 16384", "net.ipv4.tcp_wmem",
                     "4096 8192 16384", "net.core.somaxconn", "128", "net.ipv4.tcp_max_syn_backlog", "128",
                     "net.ipv4.tcp_max_tw_buckets", "1024");
}

/* Fields that must be left out if they are zero, because zero means something else to an engine. */
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

/* NetworkDisabled in addition to NetworkMode none halves the cost of a start. Healthcheck NONE switches off the image's
 * own health check. All three streams are attached, so that nothing is lost before the attach call. */
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
