#include "base/process_metrics.h"

#include "base/metrics.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The fields of /proc/self/stat after the program's name, which may hold spaces; see proc(5). */
enum stat_field { STAT_UTIME = 11, STAT_STIME = 12, STAT_STARTTIME = 19, STAT_VSIZE = 20, STAT_RSS = 21, STAT_END };

/* The text of a file of /proc, at most size - 1 bytes. */
static int read_proc(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -1;
    ssize_t got = read(fd, out, size - 1);
    close(fd);
    out[got > 0 ? got : 0] = '\0';
    return got > 0 ? 0 : -1;
}

static int read_stat(double fields[STAT_END])
{
    char text[1024];
    char *rest = read_proc("/proc/self/stat", text, sizeof text) == 0 ? strrchr(text, ')') : NULL;

    if (rest == NULL)
        return -1;
    rest += strcspn(rest, " ");
    char *word = strtok_r(rest, " ", &rest);
    for (int i = 0; i < STAT_END; i++) {
        if (word == NULL)
            return -1;
        fields[i] = strtod(word, NULL);
        word = strtok_r(NULL, " ", &rest);
    }
    return 0;
}

/* When the machine was started: what starttime counts from. */
static double boot_seconds(void)
{
    FILE *file = fopen("/proc/stat", "re");
    char *line = NULL;
    size_t room = 0;
    double seconds = -1;

    while (file != NULL && seconds < 0 && getline(&line, &room, file) > 0)
        if (strncmp(line, "btime ", 6) == 0)
            seconds = strtod(line + 6, NULL);
    free(line);
    if (file != NULL)
        fclose(file);
    return seconds;
}

static double count_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");

    if (folder == NULL)
        return -1;
    double count = -1; /* without the descriptor of the folder itself */
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.')
            count++;
    closedir(folder);
    return count;
}

struct process_facts process_read(void)
{
    struct process_facts facts = {.cpu_seconds = -1, .resident_bytes = -1, .virtual_bytes = -1, .start_seconds = -1};
    double fields[STAT_END], ticks = (double)sysconf(_SC_CLK_TCK), boot = boot_seconds();

    if (read_stat(fields) == 0) {
        facts.cpu_seconds = (fields[STAT_UTIME] + fields[STAT_STIME]) / ticks;
        facts.resident_bytes = fields[STAT_RSS] * (double)sysconf(_SC_PAGESIZE);
        facts.virtual_bytes = fields[STAT_VSIZE];
        facts.start_seconds = boot < 0 ? -1 : boot + fields[STAT_STARTTIME] / ticks;
    }
    struct rlimit limit;
    facts.open_fds = count_fds();
    facts.max_fds = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (double)limit.rlim_cur : -1;
    return facts;
}

static void set(const char *name, const char *help, enum metric_type type, double value)
{
    if (value >= 0)
        metric_set(metric_series(metric_family(name, help, type, NULL, NULL), (const char *const[4]){NULL}), value);
}

void process_collect(void)
{
    struct process_facts facts = process_read();

    set("process_cpu_seconds_total", "User and system CPU time spent, in seconds.", METRIC_COUNTER, facts.cpu_seconds);
    set("process_resident_memory_bytes", "Resident memory, in bytes.", METRIC_GAUGE, facts.resident_bytes);
    set("process_virtual_memory_bytes", "Virtual memory, in bytes.", METRIC_GAUGE, facts.virtual_bytes);
    set("process_open_fds", "Open file descriptors.", METRIC_GAUGE, facts.open_fds);
    set("process_max_fds", "How many file descriptors may be open.", METRIC_GAUGE, facts.max_fds);
    set("process_start_time_seconds", "When the process started, in Unix seconds.", METRIC_GAUGE, facts.start_seconds);
}
