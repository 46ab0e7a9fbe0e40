#include "host.h"

#include "base/log.h"
#include "base/notices.h"
#include "base/seam.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Cells keep the kernel from starting a program for core dumps. But if core_pattern is "@PATH" (Linux 6.16), the kernel
 * connects to a socket of the host, and a cell cannot prevent that. The setting is the machine's, so it is also that of
 * the engine's host, unless the engine is remote. */
void host_look_at_cores(void)
{
    char pattern[130] = "";
    FILE *file = fopen("/proc/sys/kernel/core_pattern", "re");

    if (file != NULL && fgets(pattern, sizeof pattern, file) != NULL && pattern[0] == '@') {
        pattern[strcspn(pattern, "\n")] = '\0';
        log_event(LOG_WARN, "host.cores", LOG_STR("core_pattern", pattern),
                  LOG_STR("reason", "a program that crashes makes the kernel connect to a socket of the host"),
                  LOG_STR("mend", "sysctl -w kernel.core_pattern=core"));
    }
    if (file != NULL)
        fclose(file);
}

/* Whether the host's kernel has a further wall around containers. */
static bool has_security_module(const json_t *info)
{
    const json_t *options = json_object_get(info, "SecurityOptions");

    for (size_t i = 0; i < json_array_size(options); i++) {
        const char *option = json_string_value(json_array_get(options, i));
        if (option != NULL && (strstr(option, "apparmor") != NULL || strstr(option, "selinux") != NULL))
            return true;
    }
    return false;
}

void host_look_at_engine(const json_t *info)
{
    if (!has_security_module(info))
        notices_note("host.no_apparmor", false, "", seam_wall_ms());
}
