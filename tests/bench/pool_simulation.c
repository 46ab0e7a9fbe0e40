/* Replays arrival traces against policies of how many cells to keep ready, and prints what each costs and saves:
 * pool_simulation [--json FILE] [--share PART]
 * Deterministic, no engine needed. docs/benchmarks.md, "How many cells are idle", reads its table. */
#include "pool_model.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE_S 120.0
#define HOLD_S 600.0
static const struct pool_tuning by_rate = {POOL_MISSES, RATE_S, 1e-9};
static const struct pool_tuning forgetful = {POOL_MISSES, RATE_S, 60};
static const struct pool_tuning mindful = {POOL_MISSES, RATE_S, 1800};
static const struct pool_tuning fast_rate = {POOL_MISSES, 10, HOLD_S};
static const struct pool_tuning slow_rate = {POOL_MISSES, 600, HOLD_S};
static const struct pool_tuning lax = {0.01, RATE_S, HOLD_S};
static const struct pool_tuning strict = {0.0003, RATE_S, HOLD_S};

/* The defaults of a machine with two cores and 8 GB: 32 cells a core, an eighth of the memory. */
#define BUDGET                \
    {                         \
        64, (uint64_t)1 << 30 \
    }

static const struct model_policy policies[] = {
    {"fixed *=1", 1, NULL, {0, 0}},
    {"fixed *=4", 4, NULL, {0, 0}},
    {"chosen", 1, &pool_tuning_chosen, BUDGET},
    {"by the rate alone", 1, &by_rate, BUDGET},
    {"remembers 1 minute", 1, &forgetful, BUDGET},
    {"remembers 30 minutes", 1, &mindful, BUDGET},
    {"rate over 10 s", 1, &fast_rate, BUDGET},
    {"rate over 600 s", 1, &slow_rate, BUDGET},
    {"misses 0.01", 1, &lax, BUDGET},
    {"misses 0.0003", 1, &strict, BUDGET},
    {"16 cells", 1, &pool_tuning_chosen, {16, (uint64_t)1 << 30}},
    {"32 cells", 1, &pool_tuning_chosen, {32, (uint64_t)1 << 30}},
    {"256 MB", 1, &pool_tuning_chosen, {64, (uint64_t)256 << 20}},
    {"128 cells, 4 GB", 1, &pool_tuning_chosen, {128, (uint64_t)4 << 30}},
};

static void print_row(const char *trace, const char *policy, const struct model_result *result)
{
    printf("| %-14s | %-20s | %7.3f | %8.0f | %7.1f | %7.1f | %7.0f | %7llu |\n", trace, policy,
           100.0 * (double)result->hits / (double)result->requests, result->p99_wait_ms, result->longest_wait_ms,
           result->cells_idle, result->mb_held, (unsigned long long)result->wasted);
}

static json_t *row(const char *trace, const char *policy, const struct model_result *result)
{
    return json_pack("{s:s, s:s, s:I, s:f, s:f, s:f, s:f, s:f, s:i, s:I, s:I}", "trace", trace, "policy", policy,
                     "requests", (json_int_t)result->requests, "hit_rate",
                     (double)result->hits / (double)result->requests, "p99_wait_ms", result->p99_wait_ms,
                     "longest_wait_ms", result->longest_wait_ms, "cells_idle", result->cells_idle, "mb_held",
                     result->mb_held, "most_idle", (int)result->most_idle, "created", (json_int_t)result->created,
                     "wasted", (json_int_t)result->wasted);
}

static void play_all(const char *name, double share, json_t *rows)
{
    struct model_trace trace = model_trace_make(name, share);

    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        struct model_result result = model_play(&trace, &policies[i]);
        print_row(name, policies[i].name, &result);
        json_array_append_new(rows, row(name, policies[i].name, &result));
    }
    model_trace_free(&trace);
}

int main(int argc, char **argv)
{
    json_t *rows = json_array();
    const char *file = NULL;
    double share = 1;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
            file = argv[++i];
        } else if (strcmp(argv[i], "--share") == 0 && i + 1 < argc && strtod(argv[i + 1], NULL) > 0) {
            share = strtod(argv[++i], NULL);
        } else {
            fprintf(stderr, "usage: %s [--json FILE] [--share PART]\n", argv[0]);
            return 2;
        }
    }
    printf("| trace          | policy               |   hit %% | p99 wait | longest |    idle | MB held |  wasted |\n");
    printf("|----------------|----------------------|---------|----------|---------|---------|---------|---------|\n");
    for (size_t i = 0; model_traces[i] != NULL; i++)
        play_all(model_traces[i], share, rows);
    if (file != NULL && json_dump_file(rows, file, JSON_INDENT(1)) != 0) {
        fprintf(stderr, "%s: cannot be written\n", file);
        return 1;
    }
    json_decref(rows);
    return 0;
}
