#include "docker/agent/capsule.h"

#include "docker/agent/filter.h"
#include "docker/agent/masks.h"
#include "docker/agent/stages.h"
#include "docker/agent/system.h"
#include "docker/agent/tally.h"
#include "docker/wire/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPSULE_TERMINALS (TALLY_TERMINALS + 1) /* so many the kernel gives out; tally.c ends a step that has them */

static void tell(const struct capsule *capsule, struct capsule_report report)
{
    if (write(capsule->report, &report, sizeof report) != sizeof report)
        system_end();
}

static void capsule_must(const struct capsule *capsule, struct capsule_report report)
{
    if (report.stage == CAPSULE_BUILT)
        return;
    tell(capsule, report);
    system_end();
}

static int mount_proc(const struct capsule *capsule)
{
    (void)capsule;
    return mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

/* One more user namespace may be made in this one: by lock(). */
static int count_namespaces(const struct capsule *capsule)
{
    (void)capsule;
    return system_write_text("/proc/sys/user/max_user_namespaces", "1");
}

static int hide_files(const struct capsule *capsule)
{
    (void)capsule;
    return masks_hide_proc();
}

static int mount_devices(const struct capsule *capsule)
{
    char options[64];
    (void)capsule;
    snprintf(options, sizeof options, "mode=1777,size=%u", CONFINE_SHM_BYTES);
    if (mount("shm", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) < 0 ||
        mount("mqueue", "/dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
        return -1;
    snprintf(options, sizeof options, "newinstance,ptmxmode=0666,mode=0620,max=%u", CAPSULE_TERMINALS);
    return mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, options);
}

/* The largest file is as large as /tmp. */
static int mount_tmp(const struct capsule *capsule)
{
    const struct rlimit most = {capsule->tmp_bytes, capsule->tmp_bytes};
    char options[96];
    snprintf(options, sizeof options, "mode=1777,size=%llu,nr_inodes=%llu", (unsigned long long)capsule->tmp_bytes,
             (unsigned long long)capsule->tmp_inodes);
    return mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, options) < 0 ? -1 : setrlimit(RLIMIT_FSIZE, &most);
}

/* The mounts belong to the outer user namespace, so in the new ones they cannot be undone. */
static int lock(const struct capsule *capsule)
{
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ? -1 : stages_map_user(capsule);
}

static int give_up_privileges(const struct capsule *capsule)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    (void)capsule;
    for (unsigned long i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
        if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
            return -1;
    return (int)syscall(SYS_capset, &head, none);
}

static int forbid(const struct capsule *capsule)
{
    (void)capsule;
    return filter_apply_agent();
}

static const struct stage building[] = {
    {FRAME_STAGE_USERS, stages_map_user}, {FRAME_STAGE_PROC, mount_proc},       {FRAME_STAGE_COUNT, count_namespaces},
    {FRAME_STAGE_MASKS, hide_files},      {FRAME_STAGE_DEVICES, mount_devices},
};

static const struct stage opening[] = {
    {FRAME_STAGE_TMP, mount_tmp},
    {FRAME_STAGE_LOCK, lock},
    {FRAME_STAGE_PRIVILEGES, give_up_privileges},
    {FRAME_STAGE_FILTER, forbid},
};

void capsule_build(struct capsule *capsule)
{
    close(capsule->network);
    capsule->network = -1;
    capsule_must(capsule, stages_run(building, sizeof building / sizeof *building, capsule));
    tell(capsule, (struct capsule_report){CAPSULE_BUILT, 0});
}

static void drop_stream(struct capsule *capsule)
{
    int nothing = (int)system_must(open("/dev/null", O_WRONLY | O_CLOEXEC));
    system_must(dup2(nothing, STDERR_FILENO));
    close(nothing);
    close(capsule->report);
    capsule->report = -1;
}

void capsule_open(struct capsule *capsule, const struct frame_open *frame)
{
    capsule->tmp_bytes = frame->tmp_bytes;
    capsule->tmp_inodes = frame->tmp_inodes;
    capsule_must(capsule, stages_run(opening, sizeof opening / sizeof *opening, capsule));
    drop_stream(capsule);
}
