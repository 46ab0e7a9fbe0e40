/* The settings: environment variables into one checked struct. One table in config.c says each one's
 * name, type, range, default and meaning; `codecell config`, docs/configuration.md and the checks all
 * come from it. A bad value is a sentence and exit status 2, never a default in silence; so is an
 * unknown CODECELL_ variable. */
#ifndef CODECELL_CONFIG_H
#define CODECELL_CONFIG_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Together no more than a server can have (CELLS_MAX in docker/cell/cell_owner.h; server/app.c asserts it). */
#define CONFIG_POOL_MAX_MOST 1000
#define CONFIG_CONCURRENCY_MOST 500
#define CONFIG_EXTRA_MOST 100

struct config {
    char *data_dir;            /* CODECELL_DATA_DIR: "data" */
    char *listen;              /* CODECELL_LISTEN: "127.0.0.1:8002" or "unix:/path" */
    char *languages;           /* CODECELL_LANGUAGES: folders of languages, with ':' between them */
    char *pool;                /* CODECELL_POOL: "*=1"; checked as ID=N,…: how many wait at least */
    int64_t pool_max;          /* CODECELL_POOL_MAX: cells that wait, all languages; default by cores */
    int64_t pool_memory_mb;    /* CODECELL_POOL_MEMORY_MB: that they hold; default by the machine's memory */
    bool waiting;              /* CODECELL_WAITING: interpreters are started ahead; on */
    int reuse;                 /* CODECELL_REUSE: enum config_reuse, of keys without a value of their own; "off" */
    int64_t reuse_jobs;        /* CODECELL_REUSE_JOBS: of one cell, 100 */
    int64_t reuse_idle_s;      /* CODECELL_REUSE_IDLE: that a kept cell waits, 60 */
    int64_t concurrency;       /* CODECELL_CONCURRENCY: programs at once; default cores times 2 */
    int64_t concurrency_extra; /* CODECELL_CONCURRENCY_EXTRA: and beyond, of keys that have none running */
    int64_t queue;             /* CODECELL_QUEUE: executions that may wait, all keys; 1000 */
    int64_t drain_s;           /* CODECELL_DRAIN: 10 */
    int64_t rate;              /* CODECELL_RATE: requests a minute of a new key; 100 */
    int64_t read_rate;         /* CODECELL_READ_RATE: requests a minute that run nothing, of every key; 600 */

    int64_t max_code;       /* CODECELL_MAX_CODE: bytes, "1m" */
    int64_t max_stdin;      /* CODECELL_MAX_STDIN: bytes, "16m" */
    int64_t max_body;       /* CODECELL_MAX_BODY: bytes, "64m" */
    int64_t max_bodies;     /* CODECELL_MAX_BODIES: bytes, "1g" */
    int64_t max_milli_cpus; /* CODECELL_MAX_CPU: cores with up to three decimals, "2" */
    int64_t max_memory_mb;  /* CODECELL_MAX_MEMORY_MB: 2048 */
    int64_t max_disk_mb;    /* CODECELL_MAX_DISK_MB: 1024 */
    int64_t max_processes;  /* CODECELL_MAX_PROCESSES: 256 */
    int64_t max_output_kb;  /* CODECELL_MAX_OUTPUT_KB: 16384 */

    int64_t max_connections;                                                   /* CODECELL_MAX_CONNECTIONS: 1024 */
    int64_t header_timeout_s, body_timeout_s, idle_timeout_s, write_timeout_s; /* CODECELL_HEADER_TIMEOUT 10,
                                 CODECELL_BODY_TIMEOUT 60, CODECELL_IDLE_TIMEOUT 75, CODECELL_WRITE_TIMEOUT 30 */

    int keep;              /* CODECELL_KEEP: enum config_keep: what of an execution is stored; "sizes" */
    int64_t retention_s;   /* CODECELL_RETENTION: how long records are kept, "30d"; 0 for ever */
    int log_level;         /* CODECELL_LOG_LEVEL: debug, info, warn, error; enum log_level */
    int log_format;        /* CODECELL_LOG_FORMAT: text, json; enum log_format */
    char *metrics_key;     /* CODECELL_METRICS_KEY: who brings it may read /metrics from anywhere; "": nobody */
    char *trusted_proxies; /* CODECELL_TRUSTED_PROXIES: whose X-Forwarded-For is believed; "": nobody's */
    char *runtime;         /* CODECELL_RUNTIME: the engine's runtime for cells; "auto"; "": the engine's default */

    char *docker_host;  /* DOCKER_HOST; "": unix:///var/run/docker.sock */
    bool docker_tls;    /* DOCKER_TLS_VERIFY is set and not empty */
    char *docker_certs; /* DOCKER_CERT_PATH; "" */
};

enum config_reuse { REUSE_OFF, REUSE_KEY };             /* a cell's next job may be of the same key */
enum config_keep { KEEP_SIZES, KEEP_OUTPUT, KEEP_ALL }; /* sizes; output: and stdout and stderr; all: and the code */

/* Reads the environment (`environ`-like array). 0, or -1 with the sentence that names the variable. */
int config_load(struct config *config, char *const *env, struct error *error);
void config_free(struct config *config);

/* `codecell config`: NAME, value, "environment" or "default", a line each; secrets shown as "(set)". */
void config_print(const struct config *config, char *const *env, FILE *out);
/* The table of docs/configuration.md. */
void config_print_markdown(FILE *out);

/* How many connections there may be for a process of so many descriptors: CODECELL_MAX_CONNECTIONS, or what is left of
 * them beside cells, the engine and the database, for without these a full house would be of no use; a quarter at
 * least. */
unsigned config_connections(const struct config *config, uint64_t descriptors);

/* How many cells wait for `language` according to `pool` ("python=4,*=1"); *named: by its id, and not by `*`. */
unsigned config_pool_size(const char *pool, const char *language, bool *named);

#endif
