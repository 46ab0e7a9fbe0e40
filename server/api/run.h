/* One run for a client: from a request that an API has filled in to the end of its execution. Our own API and every
 * face (server/faces/) run programs through it.
 *
 *   run_start() ─ is the language known? ─ request_settle() ─ credits ─ runner_submit() ─ the listener's events,
 * on_done └────────────────────────┴─────────────┴────────────┴ refused(), and no event
 *
 * With `ready` the way stops before runner_submit(): several runs may begin together (run_go_on()), or the request is
 * stored and run later (run_take()).
 *
 * A prepaid key's credits are reserved before the execution is accepted. They are taken with its record, or given back
 * if the program did not run (store/credits.h). */
#ifndef CODECELL_API_RUN_H
#define CODECELL_API_RUN_H

#include "base/buf.h"
#include "base/error.h"
#include "run/execution.h"

struct api;
struct api_caller;
struct api_manners;
struct http_exchange;
struct run;

/* What the caller of run_start() decides. All that it points to must outlive the run. */
struct run_options {
    int64_t key_row;
    bool anonymous;       /* no key was shown: the request may name no session */
    enum key_reuse reuse; /* whose programs may share its cell; not KEY_REUSE_INHERIT */
    int64_t credits;      /* that the run takes of its key; 0: none, or the key is not prepaid */
    const struct limits *maxima;
    uint64_t arrived_ns;                       /* monotonic: when the request's last byte was read; 0: not known */
    const struct execution_listener *listener; /* its events get `arg` */
    /* Once, instead of every event: nothing ran. `sentence` may be longer than an error's own. */
    void (*refused)(void *arg, enum error_code code, const char *sentence);
    /* Once: the request is settled and its credits are reserved. It waits for run_go_on() or run_take(). NULL: it runs
     * at once. */
    void (*ready)(void *arg);
    /* The sentence for a language, or a version of it, that there is not; NULL: "Unsupported language: …" with all that
     * there are. */
    void (*unknown_language)(struct buf *sentence, const struct execution_request *request);
    void *arg;
};

/* Sets what an admitted request's caller decides: key_row, anonymous, reuse and credits. */
void run_options_of(struct run_options *options, const struct http_exchange *ex);
void run_options_of_caller(struct run_options *options, const struct api *api, const struct api_caller *caller,
                           const struct api_manners *manners);

/* Takes over what `request` holds. The run frees itself after on_done or refused(), which may fire within the call; so
 * the caller learns of the run by *out, which is set before. */
void run_start(struct run **out, struct api *api, struct execution_request *request, const struct run_options *options);

/* After ready(): submits the request. refused() may fire within the call. */
void run_go_on(struct run *run);

/* After ready(): hands over the request, with its reservation, and frees the run. */
void run_take(struct run *run, struct execution_request *out);

/* The client is gone: ends the run. Nothing fires after this. */
void run_leave(struct run *run);

/* NULL: not accepted yet. */
struct execution *run_execution(const struct run *run);

#endif
