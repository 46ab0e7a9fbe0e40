#include "docker/agent/network.h"

#include "docker/agent/stages.h"
#include "docker/agent/system.h"
#include "docker/wire/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNTERS_MAX ((size_t)32 << 10)

/* What the kernel counts in a network namespace, as text. */
struct counters {
    char text[COUNTERS_MAX];
    size_t len; /* 0: not known */
};

static struct counters unused; /* of the namespace when it was new */

static int make_namespace(const struct capsule *capsule)
{
    (void)capsule;
    return unshare(CLONE_NEWNET);
}

static int start_loopback(const struct capsule *capsule)
{
    struct ifreq lo = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)capsule;
    if (fd < 0)
        return -1;
    lo.ifr_flags = IFF_UP;
    int result = ioctl(fd, SIOCSIFFLAGS, &lo), error = errno;
    close(fd);
    errno = error;
    return result;
}

/* A new network namespace starts with the host's values. */
static int set_network(const struct capsule *capsule)
{
    (void)capsule;
    for (const struct confine_sysctl *limit = confine_sysctls; limit->name; limit++) {
        char path[96] = "/proc/sys/";
        size_t at = strlen(path);
        for (const char *name = limit->name; *name && at < sizeof path - 1; name++)
            path[at++] = *name == '.' ? '/' : *name;
        if (system_write_text(path, limit->value) < 0)
            return -1;
    }
    return 0;
}

/* Appends a file of /proc/net. A kernel without IPv6 does not have all of them. */
static bool append_file(struct counters *counters, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;
    if (fd < 0)
        return errno == ENOENT;
    while ((n = read(fd, counters->text + counters->len, COUNTERS_MAX - counters->len)) > 0)
        counters->len += (size_t)n;
    close(fd);
    return n == 0 && counters->len < COUNTERS_MAX;
}

/* Takes the figure after each of these words out: they count the whole host. */
static void drop_host_figures(struct counters *counters, size_t from)
{
    static const char *const words[] = {" orphan ", " alloc ", " mem "};
    counters->text[counters->len] = '\0';
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char *at = counters->text + from;
        while ((at = strstr(at, words[i])) != NULL) {
            at += strlen(words[i]);
            size_t figure = strspn(at, "0123456789");
            memmove(at, at + figure, strlen(at + figure) + 1);
        }
    }
    counters->len = from + strlen(counters->text + from);
}

static bool read_counters(struct counters *counters)
{
    static const char *const others[] = {"/proc/net/dev",  "/proc/net/unix",    "/proc/net/ip6_flowlabel",
                                         "/proc/net/snmp", "/proc/net/netstat", "/proc/net/snmp6"};
    counters->len = 0;
    if (!append_file(counters, "/proc/net/sockstat") || !append_file(counters, "/proc/net/sockstat6"))
        return false;
    drop_host_figures(counters, 0);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (!append_file(counters, others[i]))
            return false;
    return true;
}

static bool network_is_unused(void)
{
    static struct counters now;
    return unused.len > 0 && read_counters(&now) && now.len == unused.len &&
           memcmp(now.text, unused.text, now.len) == 0;
}

struct capsule_report network_renew(const struct capsule *capsule)
{
    static const struct stage making[] = {
        {FRAME_STAGE_CLONE, make_namespace},
        {FRAME_STAGE_LOOPBACK, start_loopback},
        {FRAME_STAGE_NETWORK, set_network},
    };
    if (network_is_unused())
        return (struct capsule_report){CAPSULE_BUILT, 0};
    struct capsule_report report = stages_run(making, sizeof making / sizeof *making, capsule);
    if (report.stage == CAPSULE_BUILT && !read_counters(&unused))
        unused.len = 0;
    return report;
}
