/* Whether a request is let in: its key, scope and rate, decided from its head alone.
 *
 *   keyed route ─ admission queued ─ (database) key? ─ scope, face? ─ rate ─ (loop) rate of reading ─ http_admit
 *                       │                        └ 401    └ 403         └ 429           └ 429
 *                       └ the client goes away: the admission forgets its exchange and ends unseen
 *
 * The first three are one job, so that a revoked key is seen at once and a request counts once. Each request counts
 * against one of the two rates. The headers show the first one.
 *
 * A face may serve requests that show no key (api_manners.anonymous), and so may our own routes for the playground
 * (API_PAGE). api_guest_key() decides it. Such a request is let in as the key that the setting names, after two more
 * checks: no foreign Origin (403), and a rate for each client address (429). */
#include "api/admission.h"

#include "api/answers.h"
#include "api/api.h"
#include "api/manners.h"
#include "api/origin.h"
#include "api/pending.h"
#include "base/container_of.h"
#include "base/seam.h"
#include "run/metrics.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS 1000000000
#define MINUTE_S 60
#define BODY_SMALL 65536 /* bytes that may come with a request that needs none */

/* One request on its way through the database. */
struct admission {
    struct store_job job;
    struct pending pending;
    struct api *api;
    unsigned flags;    /* the route's */
    char *text;        /* the key as presented; NULL: none */
    const char *guest; /* the name of the key of a request that shows none; NULL: it needs one */
    const struct api_manners *manners;
    int64_t cost; /* units of the key's rate */
    int64_t now_ns;
    const char *forbidden;     /* what the key may not do, NULL: it may */
    struct error trouble;      /* why nothing can be recorded, and so nothing run; ERROR_NONE: it can */
    struct api_caller *caller; /* filled by work() */
    /* Only without a request: who is told. */
    void (*done)(void *arg, struct api_caller *caller, const struct error *error);
    void *arg;
};

/* Pure. */

const char *auth_forbids(unsigned flags, unsigned scopes)
{
    static const struct {
        unsigned flag, scope;
        const char *deed;
    } rights[] = {
        {API_EXECUTE, KEY_EXECUTE, "run programs"},
        {API_READ, KEY_READ, "read records"},
        {API_OPERATES, KEY_ADMIN, "see the server's operation"},
        {API_ADMIN, KEY_ADMIN, "manage keys"},
    };

    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++)
        if ((flags & rights[i].flag) != 0 && (scopes & rights[i].scope) == 0)
            return rights[i].deed;
    return NULL;
}

bool auth_face_fits(const char *key_face, const char *face)
{
    return *key_face == '\0' || (face != NULL && strcmp(key_face, face) == 0);
}

int64_t auth_seconds_up(int64_t ns)
{
    return (ns + SECOND_NS - 1) / SECOND_NS;
}

int64_t auth_next_seconds(const struct rate_verdict *rate, int64_t now_ns)
{
    int64_t used = rate->limit - rate->remaining;

    if (used <= 0 || rate->reset_ns <= now_ns)
        return 0;
    int64_t interval = ((int64_t)MINUTE_S * SECOND_NS + rate->limit - 1) / rate->limit;
    int64_t left = rate->reset_ns - now_ns - (used - 1) * interval;
    return left > 0 ? auth_seconds_up(left) : 0;
}

/* Admission. */

static void admission_free(struct admission *admission)
{
    if (admission->text != NULL) {
        OPENSSL_cleanse(admission->text, strlen(admission->text));
        free(admission->text);
    }
    free(admission->caller);
    free(admission);
}

/* If the setting names no key that is there, a request needs one of its own. */
static int find_key(struct db *db, struct admission *admission, struct error *error)
{
    struct api_caller *caller = admission->caller;

    if (!caller->anonymous)
        return keys_authenticate(db, admission->text, &caller->key, error);
    if (keys_find(db, admission->guest, &caller->key, error) == 0)
        return 0;
    return error->code == ERROR_NOT_FOUND || error->code == ERROR_INVALID
               ? keys_authenticate(db, NULL, &caller->key, error)
               : -1;
}

static int admission_work(struct db *db, struct store_job *job, struct error *error)
{
    struct admission *admission = container_of(job, struct admission, job);
    struct api_caller *caller = admission->caller;

    if (find_key(db, admission, error) != 0)
        return -1;
    admission->forbidden = auth_forbids(admission->flags, caller->key.scopes);
    if (!auth_face_fits(caller->key.face, admission->manners->face))
        admission->forbidden = "use this API";
    bool counts = (admission->flags & API_COUNTS) != 0 && admission->trouble.code == ERROR_NONE;
    int64_t cost = admission->forbidden == NULL && counts ? admission->cost : 0;
    return rates_take(db, caller->key.row, caller->key.rate_per_minute, cost, admission->now_ns, &caller->rate, error);
}

static void add_rate_headers(struct http_exchange *ex, const struct rate_verdict *rate, int64_t now_ns)
{
    http_header_add(ex, "X-RateLimit-Limit", "%lld", (long long)rate->limit);
    http_header_add(ex, "X-RateLimit-Remaining", "%lld", (long long)rate->remaining);
    http_header_add(ex, "X-RateLimit-Reset", "%lld", (long long)auth_seconds_up(rate->reset_ns));
    http_header_add(ex, "RateLimit-Policy", "\"default\";q=%lld;w=%d", (long long)rate->limit, MINUTE_S);
    http_header_add(ex, "RateLimit", "\"default\";r=%lld;t=%lld", (long long)rate->remaining,
                    (long long)auth_next_seconds(rate, now_ns));
}

static void add_retry_after(struct http_exchange *ex, const struct rate_verdict *rate)
{
    int64_t wait = auth_seconds_up(rate->retry_after_ns);

    http_header_add(ex, "Retry-After", "%lld", (long long)(wait > 0 ? wait : 1));
}

void api_show_rate(struct http_exchange *ex, const struct rate_verdict *rate)
{
    add_rate_headers(ex, rate, seam()->wall_ns());
    if (!rate->allowed)
        add_retry_after(ex, rate);
}

void api_show_rate_again(struct http_exchange *ex, const struct rate_verdict *rate)
{
    static const char *const names[] = {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset",
                                        "RateLimit-Policy", "RateLimit"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        http_header_drop(ex, names[i]);
    api_show_rate(ex, rate);
}

static void refuse_rate(struct http_exchange *ex, const struct rate_verdict *rate)
{
    add_retry_after(ex, rate);
    http_respond_error(ex, error_status(ERROR_RATE), RATE_SENTENCE);
}

/* Requests that run nothing have a rate of their own. */
static bool may_read(const struct admission *admission, const struct key *key, struct rate_verdict *verdict)
{
    if ((admission->flags & API_COUNTS) != 0)
        return true;
    *verdict =
        reading_take(&admission->api->reading, key->row, key->rate_per_minute, admission->cost, admission->now_ns);
    return verdict->allowed;
}

/* Whether the caller is let in. If not, `error` says why; if that is ERROR_RATE, `rate` is the one that is used up. */
static bool judge(const struct admission *admission, const struct api_caller *caller, struct error *error,
                  struct rate_verdict *rate)
{
    *rate = caller->rate;
    if (admission->forbidden != NULL)
        error_set(error, ERROR_FORBIDDEN, "This key may not %s", admission->forbidden);
    else if (!caller->rate.allowed)
        error_set(error, ERROR_RATE, "%s", RATE_SENTENCE);
    else if (admission->trouble.code != ERROR_NONE)
        *error = admission->trouble;
    else if (!may_read(admission, &caller->key, rate))
        error_set(error, ERROR_RATE, "%s", RATE_SENTENCE);
    else
        return true;
    return false;
}

static void decide(struct http_exchange *ex, const struct admission *admission)
{
    struct api_caller *caller = api_caller(ex);
    struct rate_verdict rate;
    struct error error;

    if ((admission->flags & API_CHARGES) == 0)
        add_rate_headers(ex, &caller->rate, admission->now_ns);
    if (judge(admission, caller, &error, &rate)) {
        if ((admission->flags & API_FLOWS) != 0)
            api_of(ex)->flow_begin(ex);
        else
            http_admit(ex);
    } else if (error.code == ERROR_RATE) {
        refuse_rate(ex, &rate);
    } else {
        api_respond_error(ex, &error);
    }
}

static void admission_done(struct store_job *job, const struct error *error)
{
    struct admission *admission = container_of(job, struct admission, job);
    struct http_exchange *ex = pending_end(&admission->pending);

    if ((admission->flags & API_EXECUTE) != 0)
        measure_share("admission", seam()->monotonic_ns() - job->submitted_ns);
    if (ex != NULL && error != NULL) {
        api_respond_error(ex, error);
    } else if (ex != NULL) {
        http_set_user(ex, admission->caller);
        http_set_owner(ex, admission->caller->key.row);
        admission->caller = NULL;
        decide(ex, admission);
    }
    admission_free(admission);
}

/* A program that sends no Origin has not come from the page, and needs a key. One that makes an Origin up gets what the
 * page gets: the operator has opened that to all. */
const char *api_guest_key(const struct http_exchange *ex)
{
    const unsigned flags = http_route(ex)->flags;

    if ((flags & (API_READ | API_ADMIN)) != 0 || http_presented_key(ex, http_manners(ex)) != NULL)
        return NULL;
    if ((flags & API_PAGE) != 0 && http_header(ex, "Origin") != NULL)
        return api_of(ex)->page_key;
    return api_manners_of(ex)->anonymous;
}

/* For a key as it was presented; NULL: none was, and the request is let in as `guest`, if that is not NULL. Returns
 * NULL: out of memory. */
static struct admission *admission_new(struct api *api, const char *text, const char *guest, unsigned flags,
                                       const struct api_manners *manners)
{
    struct admission *admission = calloc(1, sizeof *admission);

    if (admission == NULL)
        return NULL;
    admission->text = text != NULL ? strdup(text) : NULL;
    admission->caller = calloc(1, sizeof *admission->caller);
    if (admission->caller == NULL || (text != NULL && admission->text == NULL)) {
        admission_free(admission);
        return NULL;
    }
    admission->api = api;
    admission->guest = guest;
    admission->caller->anonymous = text == NULL && guest != NULL;
    admission->flags = flags;
    admission->manners = manners;
    admission->cost = admission->manners->http.cost;
    admission->now_ns = seam()->wall_ns();
    admission->job.work = admission_work;
    admission->job.done = admission_done;
    bool runs = (admission->flags & API_COUNTS) != 0;
    admission->job.reads = !runs || store_trouble(api->store, &admission->trouble);
    admission->job.early = true; /* a crash may forget the count, because it loses the request too */
    return admission;
}

static void admit_key(struct http_exchange *ex)
{
    const char *text = http_presented_key(ex, http_manners(ex));
    struct admission *admission =
        admission_new(api_of(ex), text, api_guest_key(ex), http_route(ex)->flags, api_manners_of(ex));

    if (admission == NULL) {
        struct error error;
        error_memory(&error);
        api_respond_error(ex, &error);
        return;
    }
    pending_begin(&admission->pending, ex, NULL);
    store_submit(api_of(ex)->store, &admission->job);
}

/* A key that comes later than the head. */

static void key_judged(struct store_job *job, const struct error *error)
{
    struct admission *admission = container_of(job, struct admission, job);
    struct api_caller *caller = NULL;
    struct rate_verdict rate;
    struct error why;

    if (error != NULL) {
        why = *error;
    } else if (judge(admission, admission->caller, &why, &rate)) {
        caller = admission->caller;
        admission->caller = NULL;
    }
    admission->done(admission->arg, caller, caller == NULL ? &why : NULL);
    admission_free(admission);
}

void api_admit_key(struct api *api, const char *text, const char *guest, unsigned flags,
                   const struct api_manners *manners,
                   void (*done)(void *arg, struct api_caller *caller, const struct error *error), void *arg)
{
    struct admission *admission = admission_new(api, text, guest, flags, manners);
    struct error error;

    if (admission == NULL) {
        error_memory(&error);
        done(arg, NULL, &error);
        return;
    }
    admission->done = done;
    admission->arg = arg;
    admission->job.done = key_judged;
    store_submit(api->store, &admission->job);
}

/* Requests without a key. */

/* A number for the client's address. Of IPv6 the first half counts, which is a client's network (ip_group); an IPv4
 * address lies in the second half. Peers of the unix socket share 0. */
static int64_t address_number(const struct http_exchange *ex)
{
    const char *peer = http_peer(ex);
    struct ip ip, group;
    int64_t first, second;

    if (!ip_parse(peer, strlen(peer), &ip))
        return 0;
    group = ip_group(&ip);
    memcpy(&first, group.bytes, sizeof first);
    memcpy(&second, group.bytes + sizeof first, sizeof second);
    return first != 0 ? first : second;
}

/* Whether the client's address may send one more request without a key. False: it was answered. */
static bool may_come_without(struct http_exchange *ex)
{
    struct rate_verdict rate = reading_take(&api_of(ex)->addresses, address_number(ex), 0, 1, seam()->wall_ns());

    if (!rate.allowed)
        refuse_rate(ex, &rate);
    return rate.allowed;
}

/* False: it was answered. */
static bool may_be_anonymous(struct http_exchange *ex)
{
    struct error error;

    if (origin_is_foreign(http_header(ex, "Origin"), http_header(ex, "Host"))) {
        error_set(&error, ERROR_FORBIDDEN, "Requests of pages of other servers need a key");
        api_respond_error(ex, &error);
        return false;
    }
    return may_come_without(ex);
}

static void admit_without_key(struct http_exchange *ex)
{
    if (may_come_without(ex))
        http_admit(ex);
}

/* The metrics key. */

static bool is_metrics_key(const char *presented, const char *key)
{
    size_t len = strlen(key);

    return presented != NULL && strlen(presented) == len && CRYPTO_memcmp(presented, key, len) == 0;
}

static void admit_metrics(struct http_exchange *ex)
{
    const char *key = api_of(ex)->metrics_key;
    const char *presented = http_presented_key(ex, http_manners(ex));
    struct error error;

    if (http_is_direct_local(ex) || (*key != '\0' && is_metrics_key(presented, key))) {
        http_admit(ex);
        return;
    }
    error_set(&error, ERROR_FORBIDDEN,
              "Metrics: only for direct connections from this machine, or with the metrics key");
    api_respond_error(ex, &error);
}

/* Only requests that run programs need large bodies. Most others need no key, so with large bodies anybody could use up
 * the memory for bodies. */
static bool is_too_large(const struct http_exchange *ex)
{
    return (http_route(ex)->flags & (API_COUNTS | API_CHARGES | API_FLOWS)) == 0 &&
           (http_content_length(ex) > BODY_SMALL || http_header(ex, "Transfer-Encoding") != NULL);
}

void api_admit(struct http_exchange *ex)
{
    unsigned flags = http_route(ex)->flags;

    if (is_too_large(ex))
        http_respond_error(ex, 413, "Body: must be at most 64 KiB, with a Content-Length, for this endpoint");
    else if ((flags & API_LATER) != 0 && http_presented_key(ex, http_manners(ex)) == NULL)
        admit_without_key(ex);
    else if ((flags & API_KEY) != 0 && api_guest_key(ex) != NULL && !may_be_anonymous(ex))
        return;
    else if ((flags & API_KEY) != 0)
        admit_key(ex);
    else if ((flags & API_METRICS) != 0)
        admit_metrics(ex);
    else
        http_admit(ex);
}
