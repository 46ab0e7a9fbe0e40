/* What the API's handlers lean on, scripted: an exchange without a socket, executions and cells by hand. The store
 * is the real one, in a folder of its own. Included by one test program each. */
#ifndef CODECELL_UNIT_API_FAKES_H
#define CODECELL_UNIT_API_FAKES_H

#include "api/access_log.h"
#include "api/admission.h"
#include "api/answers.h"
#include "api/api.h"
#include "api/background.h"
#include "api/languages.h"
#include "api/manners.h"
#include "api/routes.h"
#include "api/service.h"
#include "api/sessions.h"
#include "base/json.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/seam.h"
#include "run/workspaces.h"
#include "store/records.h"

#include "unit.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct pair {
    const char *name, *value;
};

struct http_exchange {
    struct pair headers[4], queries[4], param;
    int64_t content_length;
    const char *request_body; /* NULL: none */
    const struct http_route *route;
    const struct http_manners *manners; /* NULL: the API's */
    void *user;
    void (*gone)(void *arg);
    void *gone_arg;
    const char *allowed; /* NULL: the path has a route for the method */
    char added[1024];    /* the answer's headers, "Name: value\n" */
    bool admitted;
    int64_t owner;   /* 0: not said */
    bool is_local;   /* direct, from this machine */
    int status;      /* 0: not answered */
    int flow_status; /* of an answer that has begun to flow */
    void (*drained)(void *arg);
    void *drained_arg;
    char *body;
};

extern struct api fake_api;

#define FLOW_TAKES 100

struct execution {
    const char *id;
    int64_t key_row;
    enum record_status status;
    bool cancelled;
    const char *version;
    struct execution_request request;
    struct execution_result result;
};

extern struct execution fake_running; /* id NULL: none */
extern char fake_cancelled_session[SESSION_ID_MAX + 1];
extern bool fake_engine_up;
extern bool fake_can_make;
extern struct pool_isolation fake_isolation;
extern uv_loop_t fake_loop;
extern char fake_dir[64];
extern char fake_key[KEY_TEXT_LEN + 1], fake_other_key[KEY_TEXT_LEN + 1], fake_reader_key[KEY_TEXT_LEN + 1],
    fake_admin_key[KEY_TEXT_LEN + 1];
extern int64_t fake_wall_ns;

/* Before a test: a store with four keys (rate 3 a minute; the third without the scope execute, the fourth with all
 * scopes), nothing running. */
int fake_setup(void **state);

int fake_teardown(void **state);

/* Runs `work` on the store's thread. */
struct fake_job {
    struct store_job job;
    int (*work)(struct db *db, struct error *error);
    bool ended;
};

void fake_store(int (*work)(struct db *db, struct error *error));

/* Turns the loop until all that was asked of the database so far has been handed back: jobs keep their order. */
void fake_settle(void);

/* Turns the loop until the exchange has its answer. */
void fake_await(const struct http_exchange *ex);

/* The end of an exchange, as http's on_done; checks its answer (body NULL: any). */
void fake_expect(struct http_exchange *ex, int status, const char *body);

/* Writes the rest of an answer that flows. */
void fake_drain(struct http_exchange *ex);

#endif
