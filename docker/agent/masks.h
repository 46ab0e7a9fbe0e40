/* What a capsule hides. What hides the container's own files is mounted once, by the keeper (shared.h). In a cell
 * without capsules, the engine hides the files of /proc, and the cgroup's files stay. The engine hides files of /sys in
 * both. */
#ifndef CODECELL_AGENT_MASKS_H
#define CODECELL_AGENT_MASKS_H

/* Each returns 0, or -1 with errno. */

/* Makes the container's /dev read-only, and with it what hides files of confine_sys_masked. */
int masks_hide_devices(void);

/* In a new /proc: hides confine_proc_masked, and makes confine_proc_readonly read-only. After masks_hide_devices(). */
int masks_hide_proc(void);

/* Leaves only the files of the cgroup that tell a limit: language runtimes read them, and they are the same for every
 * job. The others tell what earlier jobs have used. */
int masks_hide_cgroup(void);

#endif
