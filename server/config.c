#include "config.h"

#include "base/log.h"
#include "config_kind.h"

#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define PREFIX "CODECELL_"
#define POOL_MEMORY_MOST ((int64_t)1 << 24)

/* Defaults that depend on the machine. */

static char *print_or_abort(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *print_or_abort(const char *format, ...)
{
    char *text;
    va_list args;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        abort(); /* only at the start, when nothing can be lost */
    va_end(args);
    return text;
}

static void default_concurrency(struct config *config)
{
    int64_t programs = (int64_t)uv_available_parallelism() * 2;

    config->concurrency = programs < CONFIG_CONCURRENCY_MOST ? programs : CONFIG_CONCURRENCY_MOST;
}

/* More idle cells than this bring almost nothing: docs/benchmarks.md has the figures. */
static void default_pool_max(struct config *config)
{
    int64_t cells = (int64_t)uv_available_parallelism() * 32;

    config->pool_max = cells < CONFIG_POOL_MAX_MOST ? cells : CONFIG_POOL_MAX_MOST;
}

/* The machine's memory, or the limit of the server's own control group if that is lower: the engine is usually in the
 * same group. */
static int64_t memory_mb(void)
{
    uint64_t total = uv_get_total_memory(), allowed = uv_get_constrained_memory();

    return (int64_t)((allowed > 0 && allowed < total ? allowed : total) >> 20);
}

/* One for each GiB, because most programs with their files may hold less than that. */
static void default_extra(struct config *config)
{
    int64_t programs = config->concurrency < CONFIG_EXTRA_MOST ? config->concurrency : CONFIG_EXTRA_MOST;
    int64_t fit = memory_mb() / 1024;

    config->concurrency_extra = programs < fit ? programs : fit > 1 ? fit : 1;
}

static void default_pool_memory(struct config *config)
{
    int64_t mb = memory_mb() / 8;

    config->pool_memory_mb = mb < 128 ? 128 : mb < POOL_MEMORY_MOST ? mb : POOL_MEMORY_MOST;
}

/* In a checkout it is below the working directory; an installed program has it below its own prefix. The folder need
 * not exist: most commands need no languages, and the code that reads the folder reports that it is missing. */
static void default_languages(struct config *config)
{
    char exe[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", exe, sizeof exe - 1);

    if (access("images/languages", F_OK) == 0 || len <= 0) {
        config->languages = print_or_abort("images/languages");
        return;
    }
    exe[len] = '\0';
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(exe, '/');
        if (slash != NULL)
            *slash = '\0';
    }
    config->languages = print_or_abort("%s/share/codecell/images/languages", exe);
}

/* The table. */

static const char *const keep_choices[] = {[KEEP_SIZES] = "sizes", [KEEP_OUTPUT] = "output", [KEEP_ALL] = "all", NULL};
static const char *const switch_choices[] = {"off", "on", NULL};
static const char *const isolation_choices[] = {
    [ISOLATION_CAPSULE] = "capsule", [ISOLATION_CONTAINER] = "container", NULL};
static const char *const reuse_choices[] = {[REUSE_OFF] = "off", [REUSE_KEY] = "key", [REUSE_ANY] = "any", NULL};
static const char *const playground_choices[] = {
    [PLAYGROUND_OFF] = "off", [PLAYGROUND_KEY] = "key", [PLAYGROUND_OPEN] = "open", NULL};
static const char *const level_choices[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error", NULL};
static const char *const format_choices[] = {[LOG_TEXT] = "text", [LOG_JSON] = "json", NULL};

#define FIELD(f) .offset = offsetof(struct config, f), .size = sizeof((struct config *)NULL)->f
#define KIB ((int64_t)1 << 10)
#define MIB ((int64_t)1 << 20)
#define GIB ((int64_t)1 << 30)
#define HOUR ((int64_t)3600)
#define DAY ((int64_t)86400)

static const struct setting settings[] = {
    {"CODECELL_DATA_DIR", &kind_path, FIELD(data_dir), .min = 1, .max = 3000, .fallback = "data",
     .help = "Folder of the database and its lock. The server creates it if it is missing. Only one server at a time "
             "can use it."},
    {"CODECELL_LISTEN", &kind_listen, FIELD(listen), .min = 1, .max = 200, .fallback = "127.0.0.1:8002",
     .help = "Address on which the server listens. Port 0 takes a free port."},
    {"CODECELL_LANGUAGES", &kind_folders, FIELD(languages), .min = 1, .max = 16000, .computed = default_languages,
     .computed_is = "`images/languages` if that exists, else `../share/codecell/images/languages` from the "
                    "program's folder",
     .help = "Folders of languages."},
    {"CODECELL_POOL", &kind_pool, FIELD(pool), .min = 1, .max = 8000, .fallback = "*=1",
     .help =
         "Minimum number of idle cells per language. Demand adds more. Languages named by their ids always have their "
         "minimum, even if that exceeds the two settings below. Languages covered by `*` get theirs while these two "
         "settings leave room: first the languages in use, then the others in the order of their ids. A language with "
         "0, or one that is neither named nor covered by `*`, has no idle cell: each request makes its own."},
    {"CODECELL_POOL_MAX", &kind_integer, FIELD(pool_max), .min = 1, .max = CONFIG_POOL_MAX_MOST,
     .computed = default_pool_max, .computed_is = "32 times the number of cores, at most 1000",
     .help =
         "Maximum number of idle cells of all languages, including kept cells. Cells of languages that `CODECELL_POOL` "
         "names by their ids count too, but these languages get them even if that exceeds the maximum."},
    {"CODECELL_POOL_MEMORY_MB", &kind_integer, FIELD(pool_memory_mb), .min = 1, .max = POOL_MEMORY_MOST,
     .computed = default_pool_memory, .computed_is = "an eighth of the machine's memory, at least 128",
     .help = "Maximum memory of all idle cells. The same exception applies."},
    {"CODECELL_WAITING", &kind_choice, FIELD(waiting), .choices = switch_choices, .fallback = "on",
     .help = "Whether idle cells are prewarmed: they start their language's interpreter or compiler before a request "
             "comes. It applies to languages whose `language.json` says `waiting`."},
    {"CODECELL_ISOLATION", &kind_choice, FIELD(isolation), .choices = isolation_choices, .fallback = "capsule",
     .help = "What parts a program from all others. `capsule`: its container, and in it namespaces that no other "
             "program gets. If the engine or its host cannot do that, `container`: a container that runs one program "
             "and is removed, whatever `CODECELL_REUSE` says (docs/engines.md)."},
    {"CODECELL_APPARMOR", &kind_name, FIELD(apparmor), .min = 0, .max = 128, .fallback = "",
     .help = "AppArmor profile of cells, which must be loaded on the engine's host. Empty: the engine's own."},
    {"CODECELL_REUSE", &kind_choice, FIELD(reuse), .choices = reuse_choices, .fallback = "key",
     .help = "Whose programs a cell runs, one after another, each in a new capsule. `off`: it runs one program. "
             "`key`: the programs of one key. `any`: the programs of all keys with `any`. Requests without a key "
             "never share a cell. A key's own `--reuse` overrides this setting."},
    {"CODECELL_REUSE_JOBS", &kind_integer, FIELD(reuse_jobs), .min = 1, .max = 10000, .fallback = "10000",
     .help = "Maximum number of programs that one cell runs."},
    {"CODECELL_REUSE_IDLE", &kind_duration, FIELD(reuse_idle_s), .min = 1, .max = HOUR, .fallback = "60s",
     .help = "How long a kept cell waits for the next program."},
    {"CODECELL_CONCURRENCY", &kind_integer, FIELD(concurrency), .min = 1, .max = CONFIG_CONCURRENCY_MOST,
     .computed = default_concurrency, .computed_is = "twice the number of cores, at most 500",
     .help = "Maximum number of programs that run at once. One key can take all of these slots except one."},
    {"CODECELL_CONCURRENCY_EXTRA", &kind_integer, FIELD(concurrency_extra), .min = 0, .max = CONFIG_EXTRA_MOST,
     .computed = default_extra,
     .computed_is = "as many as `CODECELL_CONCURRENCY`, but at most 100 and one for each GiB of memory, and at least 1",
     .help = "Maximum number of extra slots. Each program that has run for half a second opens one for a key that has "
             "no program running. So no key waits for another key's long programs."},
    {"CODECELL_QUEUE", &kind_integer, FIELD(queue), .min = 0, .max = 1000000, .fallback = "1000",
     .help = "Maximum number of queued executions of all keys. If the queue is full, the answer is 503."},
    {"CODECELL_DRAIN", &kind_duration, FIELD(drain_s), .min = 0, .max = HOUR, .fallback = "10s",
     .help = "How long the server waits for running programs after SIGTERM before it ends them."},
    {"CODECELL_RATE", &kind_integer, FIELD(rate), .min = 1, .max = 1000000, .fallback = "100",
     .help = "Requests a minute for a key that was made without a rate of its own."},
    {"CODECELL_READ_RATE", &kind_integer, FIELD(read_rate), .min = 1, .max = 1000000, .fallback = "600",
     .help = "Requests a minute of each key that run nothing (lists, records, sessions), or six times the key's own "
             "rate if that is more. Above it the answer is 429."},

    {"CODECELL_MAX_CODE", &kind_size, FIELD(max_code), .min = 1, .max = GIB, .fallback = "1m",
     .help = "Maximum size of `code`."},
    {"CODECELL_MAX_STDIN", &kind_size, FIELD(max_stdin), .min = 1, .max = GIB, .fallback = "16m",
     .help = "Maximum size of `stdin`."},
    {"CODECELL_MAX_BODY", &kind_size, FIELD(max_body), .min = KIB, .max = GIB, .fallback = "64m",
     .help = "Maximum size of a request's body. A larger one is answered 413."},
    {"CODECELL_MAX_BODIES", &kind_size, FIELD(max_bodies), .min = MIB, .max = 1024 * GIB, .fallback = "1g",
     .help = "Maximum memory of all bodies and answers at once. If it is used up, a new body is answered 503. One key "
             "may take as much as is still free, so a single key gets at most half of it, or three quarters with "
             "bodies up to 64 KiB."},
    {"CODECELL_BODY_RATE", &kind_size, FIELD(body_rate), .min = 0, .max = 1024 * GIB, .fallback = "16m",
     .help = "Bytes of bodies that are read from one key a second while other keys send requests. The first 4 MiB come "
             "at any speed, and so does everything of a key that is alone. `0`: no limit."},
    {"CODECELL_MAX_CPU", &kind_cpu, FIELD(max_milli_cpus), .min = 100, .max = 1024000, .fallback = "2",
     .help = "Maximum of a request's `limits.cpu`."},
    {"CODECELL_MAX_MEMORY_MB", &kind_integer, FIELD(max_memory_mb), .min = 32, .max = MIB, .fallback = "2048",
     .help = "Maximum of a request's `limits.memory_mb`."},
    {"CODECELL_MAX_DISK_MB", &kind_integer, FIELD(max_disk_mb), .min = 1, .max = MIB, .fallback = "1024",
     .help = "Maximum of a request's `limits.disk_mb`."},
    {"CODECELL_MAX_PROCESSES", &kind_integer, FIELD(max_processes), .min = 8, .max = 32768, .fallback = "256",
     .help = "Maximum of a request's `limits.processes`."},
    {"CODECELL_MAX_OUTPUT_KB", &kind_integer, FIELD(max_output_kb), .min = 1, .max = 256 * KIB, .fallback = "16384",
     .help = "Maximum of a request's `limits.output_kb`."},

    {"CODECELL_MAX_CONNECTIONS", &kind_integer, FIELD(max_connections), .min = 1, .max = 65535, .fallback = "1024",
     .help = "Maximum number of connections. Above it a new connection replaces an idle one of the client or key that "
             "holds most. If none is idle, the new connection is answered 503 and closed."},
    {"CODECELL_TRUSTED_PROXIES", &kind_nets, FIELD(trusted_proxies), .min = 0, .max = 4096, .fallback = "",
     .help = "Networks of the proxies whose `X-Forwarded-For` the server believes (`unix`: the peers of a unix "
             "socket). That header says which client sent a request. The log shows this client, and limits per client "
             "count for it."},
    {"CODECELL_HEADER_TIMEOUT", &kind_duration, FIELD(header_timeout_s), .min = 1, .max = HOUR, .fallback = "10s",
     .help = "Maximum time for a request's head to arrive. After it the answer is 408."},
    {"CODECELL_BODY_TIMEOUT", &kind_duration, FIELD(body_timeout_s), .min = 1, .max = HOUR, .fallback = "60s",
     .help = "Maximum time for a request's body to arrive. After it the answer is 408. A refused body is read and "
             "dropped for up to this time, so that its client can read the answer."},
    {"CODECELL_IDLE_TIMEOUT", &kind_duration, FIELD(idle_timeout_s), .min = 1, .max = HOUR, .fallback = "75s",
     .help = "How long a connection may stay open between two requests."},
    {"CODECELL_WRITE_TIMEOUT", &kind_duration, FIELD(write_timeout_s), .min = 1, .max = HOUR, .fallback = "30s",
     .help = "Maximum time that a client may take to read 64 KiB of an answer, or the rest of it. After that its "
             "connection is closed."},

    {"CODECELL_ASYNC_QUEUE", &kind_integer, FIELD(async_queue), .min = 1, .max = 10000000, .fallback = "100000",
     .help = "Maximum number of executions that were accepted to run in the background and are not done. If it is "
             "reached, the answer is 503. One key may take as much as is still free, here and in the next setting."},
    {"CODECELL_ASYNC_MB", &kind_integer, FIELD(async_mb), .min = 1, .max = POOL_MEMORY_MOST, .fallback = "1024",
     .help = "Maximum size of their requests in the database."},
    {"CODECELL_RESULTS_MB", &kind_integer, FIELD(results_mb), .min = 1, .max = POOL_MEMORY_MOST, .fallback = "1024",
     .help = "Maximum size of their results in the database. Above it the oldest results are dropped, and asking for "
             "them is answered 410."},
    {"CODECELL_WEBHOOK_ALLOW", &kind_nets, FIELD(webhook_allow), .min = 0, .max = 4096, .fallback = "",
     .help = "Networks that webhooks may reach although they are not public."},
    {"CODECELL_WORKSPACES_PER_KEY", &kind_integer, FIELD(workspaces_per_key), .min = 0, .max = 1000000,
     .fallback = "50", .help = "Maximum number of workspaces of one key. Above it the answer is 429."},
    {"CODECELL_WORKSPACES_MB", &kind_integer, FIELD(workspaces_mb), .min = 0, .max = POOL_MEMORY_MOST,
     .fallback = "10240",
     .help = "Maximum size of the stored files of all workspaces, in the data folder. If it is reached, a request that "
             "makes or wakes a workspace is answered 507."},
    {"CODECELL_WORKSPACES_AWAKE", &kind_integer, FIELD(workspaces_awake), .min = 1, .max = CONFIG_AWAKE_MOST,
     .fallback = "50",
     .help = "Maximum number of workspaces that have a container. If one more must wake, the one that was used longest "
             "ago goes to sleep. If all are in use, the answer is 503."},
    {"CODECELL_WORKSPACE_IDLE", &kind_duration, FIELD(workspace_idle_s), .min = 1, .max = DAY, .fallback = "5m",
     .help = "How long a workspace keeps its container without being used."},
    {"CODECELL_KEEP", &kind_choice, FIELD(keep), .choices = keep_choices, .fallback = "sizes",
     .help = "What the database stores of an execution. `sizes`: only the sizes. `output`: also the output. `all`: "
             "also the code."},
    {"CODECELL_RETENTION", &kind_duration, FIELD(retention_s), .min = 0, .max = 36500 * DAY, .fallback = "30d",
     .help = "How long records are kept. 0 keeps them for ever."},
    {"CODECELL_LOG_LEVEL", &kind_choice, FIELD(log_level), .choices = level_choices, .fallback = "info",
     .help = "Lowest level that is logged."},
    {"CODECELL_LOG_FORMAT", &kind_choice, FIELD(log_format), .choices = format_choices, .fallback = "text",
     .help = "Format of the log: lines of `key=value`, or JSON."},
    {"CODECELL_METRICS_KEY", &kind_secret, FIELD(metrics_key), .min = 0, .max = 256, .fallback = "",
     .help = "Key that gives access to `/metrics` from anywhere, sent as `Authorization: Bearer`. Without it, only "
             "direct connections from this machine's loopback have access."},
    {"CODECELL_CORS", &kind_origins, FIELD(cors), .min = 0, .max = 8000, .fallback = "",
     .help = "Origins whose pages may use the API from a browser (CORS). `*`: every origin. Empty: none."},
    {"CODECELL_PLAYGROUND", &kind_choice, FIELD(playground), .choices = playground_choices, .fallback = "key",
     .help = "The page `/`. `key`: it asks for a key. `open`: it runs programs without one, under the server's key "
             "`playground`, with a rate for each client address. `off`: there is no page."},
    {"CODECELL_FACES", &kind_items, FIELD(faces), .min = 0, .max = 1000,
     .fallback = "builde2e,gateway,agent402,mcp,piston",
     .help = "The faces that are on: other services' APIs that the server also answers (docs/faces/README.md). "
             "`NAME=/PREFIX` puts a face's paths after a prefix. `all` and `none` are understood, too."},
    {"CODECELL_FACE_ANONYMOUS", &kind_items, FIELD(face_anonymous), .min = 0, .max = 1000, .fallback = "",
     .help = "Faces that also answer requests without a key: `FACE=KEYNAME,…`. Such requests run with the rate and "
             "limits of the key of that name, and can do nothing else."},
    {"CODECELL_FACE_ADDRESS_RATE", &kind_integer, FIELD(face_address_rate), .min = 1, .max = 1000000, .fallback = "30",
     .help = "Requests a minute without a key that one client address may send to faces, or from an open playground. "
             "Above it the answer is 429."},
    {"CODECELL_FACE_URL_KEYS", &kind_choice, FIELD(face_url_keys), .choices = switch_choices, .fallback = "off",
     .help = "Whether faces take a key from the URL's query, for clients that can send no header. Proxies may log "
             "URLs; the server itself does not."},
    {"CODECELL_GATEWAY_KEYS", &kind_integer, FIELD(gateway_keys), .min = 0, .max = 1000, .fallback = "0",
     .help =
         "Keys a day that one client address may make for itself at the face `gateway`: each has 200 credits, works "
         "for that face alone, and may send as many requests a minute as `CODECELL_RATE` says. 0: clients make no "
         "keys."},
    {"CODECELL_X402_FACILITATOR", &kind_url, FIELD(x402_facilitator), .min = 0, .max = 1000, .fallback = "",
     .help = "Service that verifies and settles x402 payments. If it is set, faces that sell (agent402) take such "
             "payments. Each needs a key in `CODECELL_FACE_ANONYMOUS`, under which paid requests run. Empty: no x402."},
    {"CODECELL_X402_PAY_TO", &kind_name, FIELD(x402_pay_to), .min = 0, .max = 42, .fallback = "",
     .help = "Address that x402 payments go to: `0x` and 40 hex digits."},
    {"CODECELL_X402_NETWORK", &kind_name, FIELD(x402_network), .min = 1, .max = 64, .fallback = "base-sepolia",
     .help = "Chain of x402 payments: `base`, `base-sepolia`, `polygon`, `polygon-amoy`, `avalanche` or "
             "`avalanche-fuji`."},
    {"CODECELL_X402_ASSET", &kind_name, FIELD(x402_asset), .min = 0, .max = 42, .fallback = "",
     .help = "Address of the token of x402 payments, which has six decimals. Empty: the network's USDC."},
    {"CODECELL_X402_ASSET_NAME", &kind_items, FIELD(x402_asset_name), .min = 0, .max = 64, .fallback = "",
     .help = "Name in the token's EIP-712 domain. Empty: that of the network's USDC."},
    {"CODECELL_X402_ASSET_VERSION", &kind_name, FIELD(x402_asset_version), .min = 1, .max = 16, .fallback = "2",
     .help = "Version in the token's EIP-712 domain."},
    {"CODECELL_X402_CREDIT", &kind_integer, FIELD(x402_credit), .min = 1, .max = 1000000000, .fallback = "10000",
     .help = "What one credit is worth in the token's least units. With 10000, a credit is $0.01 of USDC."},
    {"CODECELL_RUNTIME", &kind_name, FIELD(runtime), .min = 0, .max = 128, .fallback = "auto",
     .help = "The engine's runtime for cells, such as `crun` or `runsc`. `auto`: `crun` if the engine has it and a "
             "trial cell proves that it works, else the engine's default. Empty: the engine's default."},

    {"CODECELL_URL", &kind_url, FIELD(url), .min = 1, .max = 2000, .fallback = "http://127.0.0.1:8002",
     .help = "For commands that are clients, such as `codecell run`: URL of the server that runs the programs. For "
             "`codecell mcp`: with the prefix of the face mcp if `CODECELL_FACES` gives it one."},
    {"CODECELL_KEY", &kind_secret, FIELD(key), .min = 0, .max = 100, .fallback = "",
     .help = "For commands that are clients: the key that they send to that server."},

    {"DOCKER_HOST", &kind_host, FIELD(docker_host), .min = 0, .max = 1000, .fallback = "",
     .help = "Address of the engine, as for the docker command. Empty: `unix:///var/run/docker.sock`."},
    {"DOCKER_TLS_VERIFY", &kind_flag, FIELD(docker_tls), .fallback = "",
     .help = "Whether `tcp://` uses TLS and checks the engine's certificate."},
    {"DOCKER_CERT_PATH", &kind_path, FIELD(docker_certs), .min = 0, .max = 3000, .fallback = "",
     .help = "Folder with `ca.pem`, `cert.pem` and `key.pem`."},
};

#define SETTINGS (sizeof settings / sizeof *settings)

/* Fields of struct config by their place. */

static void markdown_put_number(struct config *config, const struct setting *setting, int64_t value)
{
    char *at = (char *)config + setting->offset;

    if (setting->size == sizeof(int64_t))
        memcpy(at, &value, sizeof value);
    else if (setting->size == sizeof(int))
        memcpy(at, &(int){(int)value}, sizeof(int));
    else
        memcpy(at, &(bool){value != 0}, sizeof(bool));
}

static int64_t get_number(const struct config *config, const struct setting *setting)
{
    const char *at = (const char *)config + setting->offset;
    int64_t wide;
    int narrow;

    if (setting->size == sizeof wide)
        return memcpy(&wide, at, sizeof wide), wide;
    if (setting->size == sizeof narrow)
        return memcpy(&narrow, at, sizeof narrow), narrow;
    return *at;
}

static void markdown_put_text(struct config *config, const struct setting *setting, char *text)
{
    memcpy((char *)config + setting->offset, &text, sizeof text);
}

static char *get_text(const struct config *config, const struct setting *setting)
{
    char *text;

    memcpy(&text, (const char *)config + setting->offset, sizeof text);
    return text;
}

/* Reading. */

/* The value of a variable, or NULL if it is not set. */
static const char *find_variable(char *const *env, const char *name)
{
    size_t len = strlen(name);

    for (; *env != NULL; env++)
        if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
            return *env + len + 1;
    return NULL;
}

static int config_refuse(const struct setting *setting, const char *text, struct error *error)
{
    char range[SHOWN_MAX];

    setting->kind->describe(setting, range);
    if (setting->kind == &kind_secret)
        return error_set(error, ERROR_INVALID, "%s: must be %s", setting->name, range);
    return error_set(error, ERROR_INVALID, "%s: must be %s, not \"%s\"", setting->name, range, text);
}

static int read_setting(struct config *config, const struct setting *setting, const char *text, struct error *error)
{
    int64_t value;

    if (setting->kind->check != NULL) {
        if (!setting->kind->check(setting, text))
            return config_refuse(setting, text, error);
        markdown_put_text(config, setting, print_or_abort("%s", text));
        return 0;
    }
    if (!setting->kind->parse(setting, text, &value))
        return config_refuse(setting, text, error);
    markdown_put_number(config, setting, value);
    return 0;
}

static int load_setting(struct config *config, const struct setting *setting, char *const *env, struct error *error)
{
    const char *text = find_variable(env, setting->name);

    if (text == NULL && setting->computed != NULL) {
        setting->computed(config);
        return 0;
    }
    return read_setting(config, setting, text != NULL ? text : setting->fallback, error);
}

/* Unknown variables. */

#define NAME_COMPARED 64 /* bytes of a name that count in the search for the nearest one */

static unsigned config_least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* How many bytes must be added, removed or replaced to turn one name into the other (Levenshtein). */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    unsigned row[NAME_COMPARED + 1];

    a_len = a_len < NAME_COMPARED ? a_len : NAME_COMPARED;
    for (unsigned i = 0; i <= a_len; i++)
        row[i] = i;
    for (unsigned j = 1; j <= b_len; j++) {
        unsigned diagonal = row[0];
        row[0] = j;
        for (size_t i = 1; i <= a_len; i++) {
            unsigned replaced = diagonal + (a[i - 1] != b[j - 1] ? 1 : 0);
            diagonal = row[i];
            row[i] = config_least(replaced, config_least(row[i], row[i - 1]) + 1);
        }
    }
    return row[a_len];
}

static const char *nearest_name(const char *name, size_t len)
{
    const struct setting *best = settings;

    for (size_t i = 1; i < SETTINGS; i++)
        if (distance(name, len, settings[i].name, strlen(settings[i].name)) <
            distance(name, len, best->name, strlen(best->name)))
            best = &settings[i];
    return best->name;
}

static bool is_setting(const char *name, size_t len)
{
    for (size_t i = 0; i < SETTINGS; i++)
        if (strlen(settings[i].name) == len && memcmp(settings[i].name, name, len) == 0)
            return true;
    return false;
}

static int refuse_unknown(char *const *env, struct error *error)
{
    for (; *env != NULL; env++) {
        size_t len = strcspn(*env, "=");
        if (strncmp(*env, PREFIX, strlen(PREFIX)) == 0 && !is_setting(*env, len))
            return error_set(error, ERROR_INVALID, "%.*s: no such setting; did you mean %s?", (int)len, *env,
                             nearest_name(*env, len));
    }
    return 0;
}

int config_load(struct config *config, char *const *env, struct error *error)
{
    *config = (struct config){0};
    int bad = refuse_unknown(env, error);
    for (size_t i = 0; bad == 0 && i < SETTINGS; i++)
        bad = load_setting(config, &settings[i], env, error);
    if (bad != 0)
        config_free(config);
    return bad;
}

void config_free(struct config *config)
{
    for (size_t i = 0; i < SETTINGS; i++)
        if (settings[i].kind->check != NULL)
            free(get_text(config, &settings[i]));
    *config = (struct config){0};
}

/* Printing. */

static const char *shown_value(const struct config *config, const struct setting *setting, char room[SHOWN_MAX])
{
    const char *text = room;

    if (setting->kind->show != NULL)
        setting->kind->show(setting, get_number(config, setting), room);
    else
        text = get_text(config, setting);
    if (*text == '\0')
        return "\"\"";
    return setting->kind == &kind_secret ? "(set)" : text;
}

/* For the database, logs and idle connections to the engine (docs/benchmarks.md counts 33), for 64 connections that are
 * being refused (HTTP_REFUSED_MAX), and for 64 jobs of workers (base/worker.h). */
#define DESCRIPTORS 192

unsigned config_connections(const struct config *config, uint64_t descriptors)
{
    int64_t programs = config->concurrency + config->concurrency_extra;
    uint64_t beside =
        DESCRIPTORS + (uint64_t)config->pool_max + 2 * (uint64_t)programs; /* each program takes a stream and a call */
    uint64_t left = descriptors > beside ? descriptors - beside : 0;

    if (left < descriptors / 4)
        left = descriptors / 4;
    return (unsigned)(left < (uint64_t)config->max_connections ? left : (uint64_t)config->max_connections);
}

void config_print(const struct config *config, char *const *env, FILE *out)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        char room[SHOWN_MAX];
        const char *source = find_variable(env, settings[i].name) != NULL ? "environment" : "default";
        fprintf(out, "%-25s %-20s %s\n", settings[i].name, shown_value(config, &settings[i], room), source);
    }
}

static void config_print_row(const struct setting *setting, FILE *out)
{
    char range[SHOWN_MAX];

    setting->kind->describe(setting, range);
    fprintf(out, "| `%s` | %s | ", setting->name, range);
    if (setting->fallback == NULL)
        fprintf(out, "%s", setting->computed_is);
    else if (*setting->fallback != '\0')
        fprintf(out, "`%s`", setting->fallback);
    else
        fprintf(out, "empty");
    fprintf(out, " | %s |\n", setting->help);
}

void config_print_markdown(FILE *out)
{
    fprintf(out, "| Variable | Value | Default | Meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < SETTINGS; i++)
        config_print_row(&settings[i], out);
}
