#include "base/log.h"
#include "config.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static char *const no_env[] = {NULL};

/* Loads with one variable set. */
static int load(struct config *config, const char *variable, struct error *error)
{
    char *copy = strdup(variable);
    char *const env[] = {copy, NULL};
    int result = config_load(config, env, error);
    free(copy);
    return result;
}

static void without_variables_all_are_default(void **state)
{
    (void)state;
    struct config c;
    struct error error = {.code = ERROR_NONE};
    assert_int_equal(config_load(&c, no_env, &error), 0);
    assert_string_equal(c.data_dir, "data");
    assert_string_equal(c.listen, "127.0.0.1:8002");
    assert_string_equal(c.pool, "*=1");
    assert_int_equal(c.pool_max, uv_available_parallelism() < 32 ? uv_available_parallelism() * 32 : 1024);
    assert_true(c.pool_memory_mb == 128 ||
                (c.pool_memory_mb > 128 && (uint64_t)c.pool_memory_mb <= uv_get_total_memory() >> 23));
    assert_true(c.waiting);
    assert_int_equal(c.isolation, ISOLATION_CAPSULE);
    assert_string_equal(c.apparmor, "");
    assert_int_equal(c.reuse, REUSE_KEY);
    assert_int_equal(c.reuse_jobs, 10000);
    assert_int_equal(c.reuse_idle_s, 60);
    assert_int_equal(c.concurrency, uv_available_parallelism() * 2);
    assert_true(c.concurrency_extra >= 1 && c.concurrency_extra <= c.concurrency && c.concurrency_extra <= 100);
    assert_true(c.concurrency_extra == 1 || (uint64_t)c.concurrency_extra <= uv_get_total_memory() >> 30);
    assert_int_equal(c.queue, 1000);
    assert_int_equal(c.drain_s, 10);
    assert_int_equal(c.rate, 100);
    assert_int_equal(c.max_code, 1 << 20);
    assert_int_equal(c.max_stdin, 16 << 20);
    assert_int_equal(c.max_body, 64 << 20);
    assert_int_equal(c.max_bodies, 1 << 30);
    assert_int_equal(c.max_milli_cpus, 2000);
    assert_int_equal(c.max_memory_mb, 2048);
    assert_int_equal(c.max_disk_mb, 1024);
    assert_int_equal(c.max_processes, 256);
    assert_int_equal(c.max_output_kb, 16384);
    assert_int_equal(c.max_connections, 1024);
    assert_int_equal(c.header_timeout_s, 10);
    assert_int_equal(c.body_timeout_s, 60);
    assert_int_equal(c.idle_timeout_s, 75);
    assert_int_equal(c.write_timeout_s, 30);
    assert_int_equal(c.keep, KEEP_SIZES);
    assert_int_equal(c.read_rate, 600);
    assert_int_equal(c.retention_s, 30 * 86400);
    assert_int_equal(c.log_level, LOG_INFO);
    assert_int_equal(c.log_format, LOG_TEXT);
    assert_string_equal(c.metrics_key, "");
    assert_string_equal(c.runtime, "auto");
    assert_string_equal(c.docker_host, "");
    assert_false(c.docker_tls);
    assert_string_equal(c.docker_certs, "");
    config_free(&c);
    assert_null(c.listen);
}

/* Where the default folder of languages is depends on where the program stands. */
static void languages_are_found_here_or_beside_the_program(void **state)
{
    (void)state;
    struct config c;
    char folder[] = "/tmp/codecell-config-XXXXXX", before[4096], exe[4096], expected[5000];
    assert_non_null(mkdtemp(folder));
    assert_non_null(getcwd(before, sizeof before));
    ssize_t len = readlink("/proc/self/exe", exe, sizeof exe - 1);
    assert_true(len > 0);
    exe[len] = '\0';
    *strrchr(exe, '/') = '\0';
    *strrchr(exe, '/') = '\0';
    snprintf(expected, sizeof expected, "%s/share/codecell/images/languages", exe);

    assert_int_equal(chdir(folder), 0);
    assert_int_equal(config_load(&c, no_env, NULL), 0);
    assert_string_equal(c.languages, expected);
    config_free(&c);
    assert_int_equal(mkdir("images", 0700), 0);
    assert_int_equal(mkdir("images/languages", 0700), 0);
    assert_int_equal(config_load(&c, no_env, NULL), 0);
    assert_string_equal(c.languages, "images/languages");
    config_free(&c);
    assert_int_equal(rmdir("images/languages"), 0);
    assert_int_equal(rmdir("images"), 0);
    assert_int_equal(chdir(before), 0);
    assert_int_equal(rmdir(folder), 0);
}

enum { TEXT, WIDE, NARROW, FLAG };

static void check_field(const struct config *c, size_t offset, int type, const char *text, int64_t number)
{
    const char *at = (const char *)c + offset;
    if (type == TEXT)
        assert_string_equal(*(char *const *)(const void *)at, text);
    else if (type == WIDE)
        assert_int_equal(*(const int64_t *)(const void *)at, number);
    else if (type == NARROW)
        assert_int_equal(*(const int *)(const void *)at, number);
    else
        assert_int_equal(*(const bool *)at, number);
}

#define T(variable, field, value)                                \
    {                                                            \
        variable, offsetof(struct config, field), TEXT, value, 0 \
    }
#define N(variable, field, value)                                   \
    {                                                               \
        variable, offsetof(struct config, field), WIDE, NULL, value \
    }
#define E(variable, field, value)                                     \
    {                                                                 \
        variable, offsetof(struct config, field), NARROW, NULL, value \
    }

static const struct {
    const char *variable;
    size_t offset;
    int type;
    const char *text;
    int64_t number;
} good[] = {
    T("CODECELL_DATA_DIR=/var/lib/code cell", data_dir, "/var/lib/code cell"),
    T("CODECELL_LISTEN=0.0.0.0:0", listen, "0.0.0.0:0"),
    T("CODECELL_LISTEN=[::1]:8002", listen, "[::1]:8002"),
    T("CODECELL_LISTEN=[::]:65535", listen, "[::]:65535"),
    T("CODECELL_LISTEN=unix:/run/codecell.sock", listen, "unix:/run/codecell.sock"),
    T("CODECELL_LANGUAGES=/tmp:/usr/share", languages, "/tmp:/usr/share"),
    T("CODECELL_POOL=python=4,javascript=2,*=1", pool, "python=4,javascript=2,*=1"),
    T("CODECELL_POOL=*=0", pool, "*=0"),
    T("CODECELL_POOL=c=256,c++=1,a-b_c.d=2", pool, "c=256,c++=1,a-b_c.d=2"),
    N("CODECELL_POOL_MAX=1000", pool_max, 1000),
    N("CODECELL_POOL_MEMORY_MB=1", pool_memory_mb, 1),
    {"CODECELL_WAITING=off", offsetof(struct config, waiting), FLAG, NULL, 0},
    {"CODECELL_WAITING=on", offsetof(struct config, waiting), FLAG, NULL, 1},
    {"CODECELL_ISOLATION=container", offsetof(struct config, isolation), NARROW, NULL, ISOLATION_CONTAINER},
    {"CODECELL_REUSE=off", offsetof(struct config, reuse), NARROW, NULL, REUSE_OFF},
    {"CODECELL_REUSE=any", offsetof(struct config, reuse), NARROW, NULL, REUSE_ANY},
    N("CODECELL_REUSE_JOBS=1", reuse_jobs, 1),
    N("CODECELL_REUSE_IDLE=5m", reuse_idle_s, 300),
    N("CODECELL_CONCURRENCY=1", concurrency, 1),
    N("CODECELL_CONCURRENCY=500", concurrency, 500),
    N("CODECELL_CONCURRENCY_EXTRA=0", concurrency_extra, 0),
    N("CODECELL_CONCURRENCY_EXTRA=100", concurrency_extra, 100),
    N("CODECELL_QUEUE=0", queue, 0),
    N("CODECELL_QUEUE=0001000000", queue, 1000000),
    N("CODECELL_DRAIN=0", drain_s, 0),
    N("CODECELL_DRAIN=1h", drain_s, 3600),
    N("CODECELL_DRAIN=90", drain_s, 90),
    N("CODECELL_DRAIN=2M", drain_s, 120),
    N("CODECELL_RATE=1000000", rate, 1000000),
    N("CODECELL_READ_RATE=1", read_rate, 1),
    N("CODECELL_MAX_CODE=1", max_code, 1),
    N("CODECELL_MAX_CODE=512k", max_code, 512 << 10),
    N("CODECELL_MAX_STDIN=1g", max_stdin, 1 << 30),
    N("CODECELL_MAX_BODY=2M", max_body, 2 << 20),
    N("CODECELL_MAX_BODY=1024", max_body, 1024),
    N("CODECELL_MAX_BODIES=1m", max_bodies, 1 << 20),
    N("CODECELL_MAX_CPU=0.1", max_milli_cpus, 100),
    N("CODECELL_MAX_CPU=1.125", max_milli_cpus, 1125),
    N("CODECELL_MAX_CPU=1024.0", max_milli_cpus, 1024000),
    N("CODECELL_MAX_MEMORY_MB=32", max_memory_mb, 32),
    N("CODECELL_MAX_DISK_MB=1", max_disk_mb, 1),
    N("CODECELL_MAX_PROCESSES=32768", max_processes, 32768),
    N("CODECELL_MAX_OUTPUT_KB=262144", max_output_kb, 262144),
    N("CODECELL_MAX_CONNECTIONS=65535", max_connections, 65535),
    N("CODECELL_HEADER_TIMEOUT=1s", header_timeout_s, 1),
    N("CODECELL_BODY_TIMEOUT=60m", body_timeout_s, 3600),
    N("CODECELL_IDLE_TIMEOUT=5", idle_timeout_s, 5),
    N("CODECELL_WRITE_TIMEOUT=3600", write_timeout_s, 3600),
    E("CODECELL_KEEP=output", keep, KEEP_OUTPUT),
    E("CODECELL_KEEP=all", keep, KEEP_ALL),
    N("CODECELL_RETENTION=0", retention_s, 0),
    N("CODECELL_RETENTION=36500d", retention_s, 36500LL * 86400),
    N("CODECELL_RETENTION=12h", retention_s, 43200),
    E("CODECELL_LOG_LEVEL=debug", log_level, LOG_DEBUG),
    E("CODECELL_LOG_LEVEL=error", log_level, LOG_ERROR),
    E("CODECELL_LOG_FORMAT=json", log_format, LOG_JSON),
    T("CODECELL_METRICS_KEY=s3cret!", metrics_key, "s3cret!"),
    T("CODECELL_METRICS_KEY=", metrics_key, ""),
    T("CODECELL_URL=https://run.example.org/tools/", url, "https://run.example.org/tools/"),
    T("CODECELL_KEY=cc_1", key, "cc_1"),
    T("CODECELL_TRUSTED_PROXIES=", trusted_proxies, ""),
    T("CODECELL_CORS=", cors, ""),
    T("CODECELL_CORS=*", cors, "*"),
    T("CODECELL_CORS=https://a.example, http://localhost:3000", cors, "https://a.example, http://localhost:3000"),
    T("CODECELL_X402_FACILITATOR=", x402_facilitator, ""),
    T("CODECELL_X402_FACILITATOR=https://h.example/x402", x402_facilitator, "https://h.example/x402"),
    T("CODECELL_TRUSTED_PROXIES=10.0.0.0/8, 2001:db8::/32, unix", trusted_proxies, "10.0.0.0/8, 2001:db8::/32, unix"),
    T("CODECELL_RUNTIME=", runtime, ""),
    T("CODECELL_RUNTIME=io.containerd.kata.v2", runtime, "io.containerd.kata.v2"),
    T("DOCKER_HOST=unix:///run/user/1000/docker.sock", docker_host, "unix:///run/user/1000/docker.sock"),
    T("DOCKER_HOST=tcp://127.0.0.1:2376", docker_host, "tcp://127.0.0.1:2376"),
    T("DOCKER_HOST=", docker_host, ""),
    {"DOCKER_TLS_VERIFY=1", offsetof(struct config, docker_tls), FLAG, NULL, 1},
    {"DOCKER_TLS_VERIFY=0", offsetof(struct config, docker_tls), FLAG, NULL, 1}, /* as the docker command does */
    {"DOCKER_TLS_VERIFY=", offsetof(struct config, docker_tls), FLAG, NULL, 0},
    T("DOCKER_CERT_PATH=/etc/certs", docker_certs, "/etc/certs"),
    T("PATH=/bin", data_dir, "data"),
    T("DOCKER_CONFIG=/root/.docker", data_dir, "data"),
};

static void good_values_are_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        struct config c;
        struct error error;
        if (load(&c, good[i].variable, &error) != 0)
            fail_msg("%s: %s", good[i].variable, error.text);
        check_field(&c, good[i].offset, good[i].type, good[i].text, good[i].number);
        config_free(&c);
    }
}

static const struct {
    const char *variable, *range; /* the sentence is "NAME: must be RANGE, not "VALUE"" */
} bad[] = {
    {"CODECELL_DATA_DIR=", "a path"},
    {"CODECELL_DATA_DIR=a\nb", "a path"},
#define FOLDERS "one or more folders that exist, with `:` between them"
    {"CODECELL_LANGUAGES=", FOLDERS},
    {"CODECELL_LANGUAGES=/nonexistent", FOLDERS},
    {"CODECELL_LANGUAGES=/dev/null", FOLDERS},
    {"CODECELL_LANGUAGES=/tmp:", FOLDERS},
    {"CODECELL_LANGUAGES=:/tmp", FOLDERS},
    {"CODECELL_LANGUAGES=/tmp:/nonexistent", FOLDERS},
#define LISTEN "an address and port such as `127.0.0.1:8002` or `[::1]:8002`, or `unix:/path`"
    {"CODECELL_LISTEN=", LISTEN},
    {"CODECELL_LISTEN=8002", LISTEN},
    {"CODECELL_LISTEN=:8002", LISTEN},
    {"CODECELL_LISTEN=localhost:8002", LISTEN},
    {"CODECELL_LISTEN=127.0.0.1", LISTEN},
    {"CODECELL_LISTEN=127.0.0.1:", LISTEN},
    {"CODECELL_LISTEN=127.0.0.1:65536", LISTEN},
    {"CODECELL_LISTEN=127.0.0.1:80x", LISTEN},
    {"CODECELL_LISTEN=127.0.0.1:-1", LISTEN},
    {"CODECELL_LISTEN=127.0.0.1.5:80", LISTEN},
    {"CODECELL_LISTEN=::1:8002", LISTEN},
    {"CODECELL_LISTEN=[::1:8002", LISTEN},
    {"CODECELL_LISTEN=[]:8002", LISTEN},
    {"CODECELL_LISTEN=[127.0.0.1]:8002", LISTEN},
    {"CODECELL_LISTEN=unix:", LISTEN},
    {"CODECELL_LISTEN=unix:/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
     "12345678901234567",
     LISTEN},
#define POOL "`ID=N` with `,` between, such as `python=4,*=1`: each language once, `*` for the others, N from 0 to 256"
    {"CODECELL_POOL=", POOL},
    {"CODECELL_POOL=python", POOL},
    {"CODECELL_POOL=python=", POOL},
    {"CODECELL_POOL==1", POOL},
    {"CODECELL_POOL=python=1,", POOL},
    {"CODECELL_POOL=,python=1", POOL},
    {"CODECELL_POOL=python=257", POOL},
    {"CODECELL_POOL=python=-1", POOL},
    {"CODECELL_POOL=python=1 ,c=1", POOL},
    {"CODECELL_POOL=Python=1", POOL},
    {"CODECELL_POOL=**=1", POOL},
    {"CODECELL_POOL=python=1,c=1,python=2", POOL},
    {"CODECELL_POOL=*=1,*=2", POOL},
    {"CODECELL_POOL=a12345678901234567890123456789012=1", POOL},
    {"CODECELL_POOL=python=99999999999999999999", POOL},
    {"CODECELL_CONCURRENCY=", "an integer from 1 to 500"},
    {"CODECELL_CONCURRENCY=0", "an integer from 1 to 500"},
    {"CODECELL_CONCURRENCY=501", "an integer from 1 to 500"},
    {"CODECELL_CONCURRENCY=two", "an integer from 1 to 500"},
    {"CODECELL_CONCURRENCY_EXTRA=-1", "an integer from 0 to 100"},
    {"CODECELL_CONCURRENCY_EXTRA=101", "an integer from 0 to 100"},
    {"CODECELL_QUEUE=1000001", "an integer from 0 to 1000000"},
    {"CODECELL_QUEUE=-1", "an integer from 0 to 1000000"},
    {"CODECELL_QUEUE=+1", "an integer from 0 to 1000000"},
    {"CODECELL_QUEUE= 1", "an integer from 0 to 1000000"},
    {"CODECELL_QUEUE=1 ", "an integer from 0 to 1000000"},
    {"CODECELL_QUEUE=0x10", "an integer from 0 to 1000000"},
    {"CODECELL_QUEUE=1.0", "an integer from 0 to 1000000"},
    {"CODECELL_QUEUE=18446744073709551617", "an integer from 0 to 1000000"},
    {"CODECELL_QUEUE=9223372036854775808", "an integer from 0 to 1000000"},
    {"CODECELL_RATE=0", "an integer from 1 to 1000000"},
    {"CODECELL_READ_RATE=0", "an integer from 1 to 1000000"},
#define DURATION(min, max) "a duration from " min " to " max " (seconds, or with `s`, `m`, `h` or `d`)"
    {"CODECELL_DRAIN=3601", DURATION("0", "1h")},
    {"CODECELL_DRAIN=1.5s", DURATION("0", "1h")},
    {"CODECELL_DRAIN=10 s", DURATION("0", "1h")},
    {"CODECELL_DRAIN=s", DURATION("0", "1h")},
    {"CODECELL_DRAIN=1w", DURATION("0", "1h")},
    {"CODECELL_DRAIN=1sec", DURATION("0", "1h")},
    {"CODECELL_HEADER_TIMEOUT=0", DURATION("1s", "1h")},
    {"CODECELL_BODY_TIMEOUT=0", DURATION("1s", "1h")},
    {"CODECELL_IDLE_TIMEOUT=61m", DURATION("1s", "1h")},
    {"CODECELL_WRITE_TIMEOUT=", DURATION("1s", "1h")},
    {"CODECELL_RETENTION=36501d", DURATION("0", "36500d")},
    {"CODECELL_RETENTION=9223372036854775807d", DURATION("0", "36500d")},
    {"CODECELL_RETENTION=for ever", DURATION("0", "36500d")},
#define SIZE(min, max) "a size from " min " to " max " (bytes, or with `k`, `m` or `g`)"
    {"CODECELL_MAX_CODE=0", SIZE("1", "1g")},
    {"CODECELL_MAX_STDIN=2g", SIZE("1", "1g")},
    {"CODECELL_MAX_BODY=1023", SIZE("1k", "1g")},
    {"CODECELL_MAX_BODY=1mb", SIZE("1k", "1g")},
    {"CODECELL_MAX_BODY=m", SIZE("1k", "1g")},
    {"CODECELL_MAX_BODY=9007199254740993g", SIZE("1k", "1g")},
    {"CODECELL_MAX_BODIES=1k", SIZE("1m", "1024g")},
#define CPU "a number of cores from 0.1 to 1024, with up to three decimals"
    {"CODECELL_MAX_CPU=0", CPU},
    {"CODECELL_MAX_CPU=0.099", CPU},
    {"CODECELL_MAX_CPU=1024.001", CPU},
    {"CODECELL_MAX_CPU=1.0000", CPU},
    {"CODECELL_MAX_CPU=1.", CPU},
    {"CODECELL_MAX_CPU=.5", CPU},
    {"CODECELL_MAX_CPU=1e0", CPU},
    {"CODECELL_MAX_CPU=1,5", CPU},
    {"CODECELL_MAX_CPU=", CPU},
    {"CODECELL_MAX_CPU=9223372036854775807", CPU},
    {"CODECELL_MAX_MEMORY_MB=31", "an integer from 32 to 1048576"},
    {"CODECELL_MAX_DISK_MB=0", "an integer from 1 to 1048576"},
    {"CODECELL_MAX_PROCESSES=7", "an integer from 8 to 32768"},
    {"CODECELL_MAX_OUTPUT_KB=262145", "an integer from 1 to 262144"},
    {"CODECELL_MAX_CONNECTIONS=0", "an integer from 1 to 65535"},
    {"CODECELL_KEEP=", "`sizes`, `output` or `all`"},
    {"CODECELL_KEEP=ALL", "`sizes`, `output` or `all`"},
    {"CODECELL_LOG_LEVEL=trace", "`debug`, `info`, `warn` or `error`"},
    {"CODECELL_LOG_FORMAT=xml", "`text` or `json`"},
    {"CODECELL_POOL_MAX=0", "an integer from 1 to 1000"},
    {"CODECELL_POOL_MAX=1001", "an integer from 1 to 1000"},
    {"CODECELL_POOL_MEMORY_MB=0", "an integer from 1 to 16777216"},
    {"CODECELL_WAITING=", "`off` or `on`"},
    {"CODECELL_WAITING=1", "`off` or `on`"},
    {"CODECELL_REUSE=on", "`off`, `key` or `any`"},
    {"CODECELL_REUSE_JOBS=0", "an integer from 1 to 10000"},
    {"CODECELL_REUSE_JOBS=10001", "an integer from 1 to 10000"},
    {"CODECELL_REUSE_IDLE=0", DURATION("1s", "1h")},
    {"CODECELL_RUNTIME=crun;rm", "a name of letters, digits, `.`, `_`, `/` and `-`, or empty"},
    {"DOCKER_HOST=ssh://host", "`unix:///path` or `tcp://host:port`, or empty"},
    {"DOCKER_HOST=unix://", "`unix:///path` or `tcp://host:port`, or empty"},
    {"DOCKER_HOST=/var/run/docker.sock", "`unix:///path` or `tcp://host:port`, or empty"},
#define ORIGINS "origins such as `https://a.example, http://localhost:3000`, `*`, or empty"
    {"CODECELL_CORS=a.example", ORIGINS},
    {"CODECELL_CORS=https://a.example/path", ORIGINS},
    {"CODECELL_CORS=*, https://a.example", ORIGINS},
    {"CODECELL_CORS=null", ORIGINS},
#define NETS "up to 64 networks such as `10.0.0.0/8, 2001:db8::/32, 192.0.2.1, unix`, or empty"
    {"CODECELL_TRUSTED_PROXIES=10.0.0.0/33", NETS},
    {"CODECELL_X402_FACILITATOR=ftp://h", "a URL that begins with `http://` or `https://`, without a query, or empty"},
    {"CODECELL_X402_FACILITATOR=h.example",
     "a URL that begins with `http://` or `https://`, without a query, or empty"},
    {"CODECELL_X402_FACILITATOR=http://h /",
     "a URL that begins with `http://` or `https://`, without a query, or empty"},
    {"CODECELL_TRUSTED_PROXIES=10.0.0.0/", NETS},
    {"CODECELL_TRUSTED_PROXIES=10.0.0.256", NETS},
    {"CODECELL_TRUSTED_PROXIES=2001:db8::/129", NETS},
    {"CODECELL_TRUSTED_PROXIES=10.0.0.1,,10.0.0.2", NETS},
    {"CODECELL_TRUSTED_PROXIES=proxy.example", NETS},
};

static void bad_values_are_refused_in_a_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct config c;
        struct error error = {.code = ERROR_NONE};
        const char *value = strchr(bad[i].variable, '=') + 1;
        char expected[600];
        snprintf(expected, sizeof expected, "%.*s: must be %s, not \"%s\"", (int)(value - bad[i].variable - 1),
                 bad[i].variable, bad[i].range, value);
        if (load(&c, bad[i].variable, &error) == 0)
            fail_msg("taken: %s", bad[i].variable);
        assert_int_equal(error.code, ERROR_INVALID);
        assert_string_equal(error.text, expected);
        assert_null(c.listen);
    }
}

static void connections_leave_descriptors_to_the_rest(void **state)
{
    (void)state;
    struct config config = {.max_connections = 1024, .pool_max = 64, .concurrency = 4, .concurrency_extra = 4};
    static const struct {
        uint64_t descriptors;
        unsigned connections;
    } rows[] = {
        {UINT64_MAX, 1024}, {20000, 1024}, {1024 + 272, 1024}, {1024 + 271, 1023},
        {1024, 752},        {300, 75},     {256, 64},          {200, 50},
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(config_connections(&config, rows[i].descriptors), rows[i].connections);
    config.max_connections = 8;
    assert_int_equal(config_connections(&config, 256), 8);
    config.pool_max = 1024;
    assert_int_equal(config_connections(&config, 1024), 8);
    config.max_connections = 1024;
    assert_int_equal(config_connections(&config, 1024), 256);
}

static void a_secret_is_never_shown(void **state)
{
    (void)state;
    struct config c;
    struct error error;
    assert_int_equal(load(&c, "CODECELL_METRICS_KEY=my secret", &error), -1);
    assert_string_equal(error.text, "CODECELL_METRICS_KEY: must be up to 256 bytes without spaces, or empty");
    char *const env[] = {"CODECELL_METRICS_KEY=hush", NULL};
    assert_int_equal(config_load(&c, env, &error), 0);
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    config_print(&c, env, out);
    fclose(out);
    assert_null(strstr(text, "hush"));
    assert_non_null(strstr(text, "CODECELL_METRICS_KEY      (set)                environment\n"));
    free(text);
    config_free(&c);
}

static void unknown_variables_are_refused_with_the_nearest(void **state)
{
    (void)state;
    static const struct {
        const char *variable, *sentence;
    } cases[] = {
        {"CODECELL_QUEU=1", "CODECELL_QUEU: no such setting; did you mean CODECELL_QUEUE?"},
        {"CODECELL_QUEUE_=1", "CODECELL_QUEUE_: no such setting; did you mean CODECELL_QUEUE?"},
        {"CODECELL_LOGLEVEL=info", "CODECELL_LOGLEVEL: no such setting; did you mean CODECELL_LOG_LEVEL?"},
        {"CODECELL_MAX_MEMORY=1", "CODECELL_MAX_MEMORY: no such setting; did you mean CODECELL_MAX_MEMORY_MB?"},
        {"CODECELL_LISETN=", "CODECELL_LISETN: no such setting; did you mean CODECELL_LISTEN?"},
        {"CODECELL_=1", "CODECELL_: no such setting; did you mean CODECELL_URL?"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct config c;
        struct error error;
        assert_int_equal(load(&c, cases[i].variable, &error), -1);
        assert_string_equal(error.text, cases[i].sentence);
    }
}

static void a_very_long_unknown_name(void **state)
{
    (void)state;
    struct config c;
    struct error error;
    char variable[5000] = "CODECELL_";
    memset(variable + 9, 'X', sizeof variable - 10);
    variable[sizeof variable - 1] = '\0';
    variable[4990] = '=';
    assert_int_equal(load(&c, variable, &error), -1);
    assert_int_equal(strncmp(error.text, "CODECELL_XXX", 12), 0);
}

static void printed_values_load_again(void **state)
{
    (void)state;
    static char *const env[] = {"CODECELL_MAX_CPU=1.5", "CODECELL_RETENTION=90", "CODECELL_MAX_BODY=3145728",
                                "CODECELL_KEEP=all",    "CODECELL_RUNTIME=",     NULL};
    struct config c;
    assert_int_equal(config_load(&c, env, NULL), 0);
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    config_print(&c, env, out);
    fclose(out);
    config_free(&c);
    static const char *const lines[] = {
        "CODECELL_DATA_DIR         data                 default\n",
        "CODECELL_QUEUE            1000                 default\n",
        "CODECELL_MAX_CPU          1.5                  environment\n",
        "CODECELL_RETENTION        90s                  environment\n",
        "CODECELL_MAX_BODY         3m                   environment\n",
        "CODECELL_MAX_STDIN        16m                  default\n",
        "CODECELL_KEEP             all                  environment\n",
        "CODECELL_RUNTIME          \"\"                   environment\n",
        "CODECELL_METRICS_KEY      \"\"                   default\n",
        "DOCKER_TLS_VERIFY         \"\"                   default\n",
    };
    for (size_t i = 0; i < COUNT(lines); i++)
        if (strstr(text, lines[i]) == NULL)
            fail_msg("not in it: %s", lines[i]);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char name[64], value[4096], variable[5000];
        assert_int_equal(sscanf(line, "%63s %4095s", name, value), 2);
        if (strcmp(name, "CODECELL_LANGUAGES") == 0)
            continue; /* a default that need not exist */
        snprintf(variable, sizeof variable, "%s=%s", name, strcmp(value, "\"\"") == 0 ? "" : value);
        struct error error;
        if (load(&c, variable, &error) != 0)
            fail_msg("%s", error.text);
        config_free(&c);
    }
    free(text);
}

static void pool_size_of_a_language(void **state)
{
    (void)state;
    static const struct {
        const char *pool, *language;
        unsigned size;
        bool named;
    } cases[] = {
        {"*=1", "python", 1, false},
        {"python=4,javascript=2,*=1", "python", 4, true},
        {"python=4,javascript=2,*=1", "javascript", 2, true},
        {"python=4,javascript=2,*=1", "c", 1, false},
        {"*=3,python=0", "python", 0, true},
        {"*=3,python=0", "pytho", 3, false},
        {"python=4", "c", 0, false},
        {"python=4,c=2", "python3", 0, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        bool named;
        assert_int_equal(config_pool_size(cases[i].pool, cases[i].language, &named), cases[i].size);
        assert_int_equal(named, cases[i].named);
    }
}

static char *read_file(const char *path)
{
    static char text[65536];
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    size_t len = fread(text, 1, sizeof text - 1, in);
    fclose(in);
    text[len] = '\0';
    return text;
}

/* The table of the page, from its first line to the last that begins with a bar, is what the program prints. */
static void the_documentation_holds_the_table(void **state)
{
    (void)state;
    char *table = NULL;
    size_t len;
    FILE *out = open_memstream(&table, &len);
    config_print_markdown(out);
    fclose(out);
    char *page = read_file(SOURCE_DIR "/docs/configuration.md");
    char *start = strstr(page, "| Variable |");
    assert_non_null(start);
    char *end = start;
    while (*end == '|')
        end = strchr(end, '\n') + 1;
    *end = '\0';
    assert_string_equal(start, table);
    free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_variables_all_are_default),
        cmocka_unit_test(languages_are_found_here_or_beside_the_program),
        cmocka_unit_test(good_values_are_taken),
        cmocka_unit_test(bad_values_are_refused_in_a_sentence),
        cmocka_unit_test(connections_leave_descriptors_to_the_rest),
        cmocka_unit_test(a_secret_is_never_shown),
        cmocka_unit_test(unknown_variables_are_refused_with_the_nearest),
        cmocka_unit_test(a_very_long_unknown_name),
        cmocka_unit_test(printed_values_load_again),
        cmocka_unit_test(pool_size_of_a_language),
        cmocka_unit_test(the_documentation_holds_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
