#include "api/charge.h"

#include "api/admission.h"
#include "api/manners.h"
#include "base/container_of.h"
#include "base/seam.h"

#include <stdlib.h>

struct charge {
    struct store_job job;
    struct charge **place; /* the caller's pointer to this; NULL: the client has gone */
    struct charge_options options;
    int64_t key_row, rate_per_minute, cost, now_ns;
    struct rate_verdict rate;
};

static int charge_work(struct db *db, struct store_job *job, struct error *error)
{
    struct charge *charge = container_of(job, struct charge, job);

    return rates_take(db, charge->key_row, charge->rate_per_minute, charge->cost, charge->now_ns, &charge->rate, error);
}

static void charge_decide(const struct charge *charge, const struct error *error)
{
    const struct charge_options *options = &charge->options;
    struct error refused;

    if (error != NULL) {
        options->done(options->arg, NULL, error);
    } else if (!charge->rate.allowed) {
        error_set(&refused, ERROR_RATE, "%s", RATE_SENTENCE);
        options->done(options->arg, &charge->rate, &refused);
    } else {
        options->done(options->arg, &charge->rate, NULL);
    }
}

static void charge_done(struct store_job *job, const struct error *error)
{
    struct charge *charge = container_of(job, struct charge, job);

    if (charge->place != NULL) {
        *charge->place = NULL;
        charge_decide(charge, error);
    }
    free(charge);
}

void api_charge(struct charge **out, struct http_exchange *ex, const struct charge_options *options)
{
    api_charge_key(out, api_of(ex)->store, &api_caller(ex)->key, http_manners(ex)->cost, options);
}

void api_charge_key(struct charge **out, struct store *store, const struct key *key, int64_t cost,
                    const struct charge_options *options)
{
    struct error error;
    struct charge *charge = NULL;

    *out = NULL;
    if (!store_trouble(store, &error) && (charge = calloc(1, sizeof *charge)) == NULL)
        error_memory(&error);
    if (charge == NULL) {
        options->done(options->arg, NULL, &error);
        return;
    }
    *charge = (struct charge){.place = out,
                              .options = *options,
                              .key_row = key->row,
                              .rate_per_minute = key->rate_per_minute,
                              .cost = options->count * cost,
                              .now_ns = seam()->wall_ns()};
    /* A crash may forget the count, because it loses the request too. */
    charge->job = (struct store_job){.work = charge_work, .done = charge_done, .early = true};
    *out = charge;
    store_submit(store, &charge->job);
}

void charge_leave(struct charge *charge)
{
    *charge->place = NULL;
    charge->place = NULL;
}
