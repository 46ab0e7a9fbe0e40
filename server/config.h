/* The settings: environment variables in one checked struct. One table in config.c has each setting's name, type,
 * range, default and meaning. `codecell config`, docs/configuration.md and the checks all come from it. A bad value or
 * an unknown CODECELL_ variable is an error with a sentence, and never silently the default. */
#ifndef CODECELL_CONFIG_H
#define CODECELL_CONFIG_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Together no more than a server can have (CELLS_MAX in docker/cell/cells.h; server/app.c asserts it). */
#define CONFIG_POOL_MAX_MOST 1000
#define CONFIG_CONCURRENCY_MOST 500
#define CONFIG_EXTRA_MOST 100
#define CONFIG_AWAKE_MOST 200

struct config {
    char *data_dir;            /* CODECELL_DATA_DIR: "data" */
    char *listen;              /* CODECELL_LISTEN: "127.0.0.1:8002" or "unix:/path" */
    char *languages;           /* CODECELL_LANGUAGES: folders of languages, with ':' between them */
    char *pool;                /* CODECELL_POOL: "*=1"; checked as ID=N,…: how many wait at least */
    int64_t pool_max;          /* CODECELL_POOL_MAX: idle cells, all languages */
    int64_t pool_memory_mb;    /* CODECELL_POOL_MEMORY_MB: of all idle cells */
    bool waiting;              /* CODECELL_WAITING: idle cells are prewarmed */
    int isolation;             /* CODECELL_ISOLATION: enum config_isolation */
    char *apparmor;            /* CODECELL_APPARMOR: the AppArmor profile of cells; "": the engine's own */
    int reuse;                 /* CODECELL_REUSE: enum config_reuse, for keys without a value of their own */
    int64_t reuse_jobs;        /* CODECELL_REUSE_JOBS: programs of one cell */
    int64_t reuse_idle_s;      /* CODECELL_REUSE_IDLE: how long a kept cell waits */
    int64_t concurrency;       /* CODECELL_CONCURRENCY: programs at once */
    int64_t concurrency_extra; /* CODECELL_CONCURRENCY_EXTRA: more programs, of keys that have none running */
    int64_t queue;             /* CODECELL_QUEUE: queued executions, all keys */
    int64_t drain_s;           /* CODECELL_DRAIN: how long running programs may go on at the end */
    int64_t rate;              /* CODECELL_RATE: requests a minute of a new key */
    int64_t read_rate;         /* CODECELL_READ_RATE: requests a minute that run nothing, of every key */

    int64_t max_code;       /* CODECELL_MAX_CODE: bytes */
    int64_t max_stdin;      /* CODECELL_MAX_STDIN: bytes */
    int64_t max_body;       /* CODECELL_MAX_BODY: bytes */
    int64_t body_rate;      /* CODECELL_BODY_RATE: bytes a second, of one key while others ask; 0: no limit */
    int64_t max_bodies;     /* CODECELL_MAX_BODIES: bytes of all bodies and answers */
    int64_t max_milli_cpus; /* CODECELL_MAX_CPU: thousandths of a core */
    int64_t max_memory_mb;  /* CODECELL_MAX_MEMORY_MB */
    int64_t max_disk_mb;    /* CODECELL_MAX_DISK_MB */
    int64_t max_processes;  /* CODECELL_MAX_PROCESSES */
    int64_t max_output_kb;  /* CODECELL_MAX_OUTPUT_KB */

    int64_t max_connections;                                                   /* CODECELL_MAX_CONNECTIONS */
    int64_t header_timeout_s, body_timeout_s, idle_timeout_s, write_timeout_s; /* CODECELL_HEADER_TIMEOUT and so on */

    int64_t async_queue; /* CODECELL_ASYNC_QUEUE: accepted executions that are not done */
    int64_t async_mb;    /* CODECELL_ASYNC_MB: bytes of their requests */
    int64_t results_mb;  /* CODECELL_RESULTS_MB: bytes of results that are kept */
    char *webhook_allow; /* CODECELL_WEBHOOK_ALLOW: networks that webhooks may reach though they are not public */

    int64_t workspaces_per_key; /* CODECELL_WORKSPACES_PER_KEY */
    int64_t workspaces_mb;      /* CODECELL_WORKSPACES_MB: of all stored files */
    int64_t workspaces_awake;   /* CODECELL_WORKSPACES_AWAKE: with a container, at once */
    int64_t workspace_idle_s;   /* CODECELL_WORKSPACE_IDLE */

    int keep;                  /* CODECELL_KEEP: enum config_keep */
    int64_t retention_s;       /* CODECELL_RETENTION: how long records are kept, 0 for ever */
    int log_level;             /* CODECELL_LOG_LEVEL: enum log_level */
    int log_format;            /* CODECELL_LOG_FORMAT: enum log_format */
    char *metrics_key;         /* CODECELL_METRICS_KEY: gives access to /metrics from anywhere; "": none does */
    char *trusted_proxies;     /* CODECELL_TRUSTED_PROXIES: networks whose X-Forwarded-For is believed; "": none */
    char *cors;                /* CODECELL_CORS: origins whose pages may use the API, or "*"; "": none */
    int playground;            /* CODECELL_PLAYGROUND: enum config_playground */
    char *faces;               /* CODECELL_FACES: "piston,mcp=/tools", "all", "none" (server/faces/faces.h) */
    char *face_anonymous;      /* CODECELL_FACE_ANONYMOUS: "piston=KEYNAME"; "": none */
    int64_t face_address_rate; /* CODECELL_FACE_ADDRESS_RATE: requests a minute of one address without a key */
    char *x402_facilitator;    /* CODECELL_X402_FACILITATOR: a URL; "": x402 is off */
    char *x402_pay_to;         /* CODECELL_X402_PAY_TO: an address */
    char *x402_network;        /* CODECELL_X402_NETWORK */
    char *x402_asset;          /* CODECELL_X402_ASSET: an address; "": the network's USDC */
    char *x402_asset_name;     /* CODECELL_X402_ASSET_NAME: of its EIP-712 domain */
    char *x402_asset_version;  /* CODECELL_X402_ASSET_VERSION */
    int64_t x402_credit;       /* CODECELL_X402_CREDIT: the asset's least units that a credit is worth */
    bool face_url_keys;        /* CODECELL_FACE_URL_KEYS: a key may be in the query */
    int64_t gateway_keys;      /* CODECELL_GATEWAY_KEYS: keys a day that one address makes for itself; 0: none */
    char *runtime;             /* CODECELL_RUNTIME: the engine's runtime for cells; "": the engine's default */

    char *url; /* CODECELL_URL: the server's, for commands that are clients */
    char *key; /* CODECELL_KEY: what they send; "": none */

    char *docker_host;  /* DOCKER_HOST; "": unix:///var/run/docker.sock */
    bool docker_tls;    /* DOCKER_TLS_VERIFY is set and not empty */
    char *docker_certs; /* DOCKER_CERT_PATH; "" */
};

enum config_isolation { ISOLATION_CAPSULE, ISOLATION_CONTAINER }; /* what parts one program from the next */
/* Whose program a cell may run next: nobody's, the same key's, that of each key with REUSE_ANY. As enum key_reuse. */
enum config_reuse { REUSE_OFF, REUSE_KEY, REUSE_ANY };
enum config_keep { KEEP_SIZES, KEEP_OUTPUT, KEEP_ALL }; /* stored: sizes, also stdout and stderr, also the code */

/* Whether there is the page `/`, and whether it runs programs for people without a key. */
enum config_playground { PLAYGROUND_OFF, PLAYGROUND_KEY, PLAYGROUND_OPEN };

/* Reads the environment (`environ`-like array). 0, or -1 with the sentence that names the variable. */
int config_load(struct config *config, char *const *env, struct error *error);
void config_free(struct config *config);

/* `codecell config`: a line per setting, NAME, value, "environment" or "default". Secrets are shown as "(set)". */
void config_print(const struct config *config, char *const *env, FILE *out);
/* The table of docs/configuration.md. */
void config_print_markdown(FILE *out);

/* How many connections a process with so many descriptors may have: CODECELL_MAX_CONNECTIONS, or fewer, so that cells,
 * the engine and the database have descriptors too. At least a quarter of the descriptors. */
unsigned config_connections(const struct config *config, uint64_t descriptors);

/* How many cells `pool` ("python=4,*=1") wants of `language`. *named: its entry has the language's id, and is not
 * `*`. */
unsigned config_pool_size(const char *pool, const char *language, bool *named);

#endif
