/* agent402 (MikeyPetrillo/Agent402, src/tools/code-run-kit.js and src/server.js): two routes that run a program for
 * money. docs/faces/agent402.md says what differs. */
#include "faces/agent402.h"

#include "api/answers.h"
#include "api/api.h"
#include "api/manners.h"
#include "base/json.h"
#include "faces/face.h"
#include "faces/face_text.h"
#include "faces/till.h"

#include <stdlib.h>
#include <string.h>

#define CODE_RUN_PATH "/api/code-run"
#define PRO_PATH "/api/code-run-pro"
#define PRICING_PATH "/api/pricing"
#define CODE_RUN_CREDITS 2
#define PRO_CREDITS 5

#define KEY_DIGITS 40 /* of a key, after its prefix */
#define TOPUP "Ask the server's operator for more credits"

const struct agent402_product agent402_products[2] = {
    {.slug = "code-run",
     .path = CODE_RUN_PATH,
     .about = "Run Python or JavaScript in a sandbox, for up to 30 seconds",
     .seconds = 30,
     .characters = 10000,
     .output_kb = 256},
    {.slug = "code-run-pro",
     .path = PRO_PATH,
     .about = "Run Python or JavaScript in a sandbox, for up to 60 seconds",
     .seconds = 60,
     .characters = 50000,
     .output_kb = 1024},
};

const struct agent402_product *agent402_product_of(const char *path)
{
    const char *at = strstr(path, CODE_RUN_PATH);

    if (at == NULL)
        return NULL;
    return &agent402_products[strncmp(at, PRO_PATH, strlen(PRO_PATH)) == 0 ? 1 : 0];
}

/* The list of prices. */

static json_t *price_of(const struct till *till, const struct agent402_product *product, int64_t credits)
{
    char price[TILL_DOLLARS_MAX];

    till_price(till, credits, price);
    return json_pack("{s:s, s:s, s:s, s:s, s:b}", "slug", product->slug, "method", "POST", "path", product->path,
                     "price", price, "computePayable", 0);
}

static void agent402_pricing(struct http_exchange *ex)
{
    const struct till *till = api_of(ex)->till;

    api_respond(ex, 200,
                json_pack("{s:[o, o]}", "endpoints", price_of(till, &agent402_products[0], CODE_RUN_CREDITS),
                          price_of(till, &agent402_products[1], PRO_CREDITS)));
}

/* Errors. */

json_t *agent402_error(const struct agent402_product *product, const char *sentence)
{
    if (product == NULL)
        return json_pack("{s:s}", "error", sentence);
    return json_pack("{s:s, s:s, s:{s:{s:s, s:I}, s:{s:s, s:[s, s], s:s}}, s:[s], s:{s:s, s:s}}", "error", sentence,
                     "tool", product->slug, "expected", "code", "type", "string", "maxLength",
                     (json_int_t)product->characters, "language", "type", "string", "enum", "python", "javascript",
                     "default", "python", "required", "code", "example", "code", "print(6 * 7)", "language", "python");
}

json_t *agent402_key_refusal(const struct http_exchange *ex, const char *sentence, const char *reason, int64_t credits)
{
    const struct till *till = api_of(ex)->till;

    return json_pack("{s:s, s:s, s:f, s:f, s:s}", "error", sentence, "reason", reason, "balanceUsd",
                     till_dollars(till, credits), "priceUsd", till_dollars(till, api_manners_of(ex)->credits), "topup",
                     TOPUP);
}

static bool is_well_formed(const char *key)
{
    const char *secret = strchr(key, '_');

    return secret != NULL && strlen(secret + 1) == KEY_DIGITS;
}

static json_t *method_refusal(const struct http_exchange *ex, const char *detail)
{
    return json_pack("{s:s, s:[s]}", "error", detail, "allow",
                     agent402_product_of(http_path(ex)) != NULL ? "POST" : "GET");
}

/* A request that shows a key which does not count is an unpaid request. If it shows none, x402 is off: otherwise it
 * would have been let in (api/admission.c). */
static json_t *refusal(struct http_exchange *ex, int *status, const char *detail)
{
    const char *key = http_presented_key(ex, http_manners(ex));

    if (*status == 401 && key == NULL) {
        *status = 503;
        return agent402_error(NULL, AGENT402_NOT_SET_UP);
    }
    if (*status == 401 || (*status == 403 && key != NULL)) {
        const char *reason = *status == 403 ? "disabled" : is_well_formed(key) ? "unknown" : "malformed";
        *status = 402;
        return agent402_key_refusal(ex, detail, reason, 0);
    }
    if (*status == 404)
        return json_pack("{s:b, s:s}", "ok", 0, "error", "not-found");
    if (*status == 405)
        return method_refusal(ex, detail);
    *status = *status == 500 ? 502 : *status;
    return agent402_error(*status < 500 ? agent402_product_of(http_path(ex)) : NULL, detail);
}

static char *agent402_error_for(struct http_exchange *ex, int *status, const char *detail, size_t *len)
{
    json_t *object = refusal(ex, status, detail);
    char *text = object != NULL ? json_text(object, len) : NULL;

    json_decref(object);
    return text;
}

/* The table. */

static void code_run(struct http_exchange *ex)
{
    agent402_run(ex, &agent402_products[0]);
}

static void code_run_pro(struct http_exchange *ex)
{
    agent402_run(ex, &agent402_products[1]);
}

#define RUNS (API_KEY | API_EXECUTE | API_COUNTS)

static const struct http_route routes[] = {
    {"POST", CODE_RUN_PATH, code_run, RUNS},
    {"POST", PRO_PATH, code_run_pro, RUNS},
    {"GET", PRICING_PATH, agent402_pricing, 0},
    {.method = NULL},
};

static const char *const covers[] = {CODE_RUN_PATH, PRO_PATH, PRICING_PATH, NULL};

static const struct face_price prices[] = {{PRO_PATH, PRO_CREDITS}, {.path = NULL}};

static const struct http_key_place keys[] = {
    {HTTP_KEY_AUTHORIZATION, "Bearer"},
    {HTTP_KEY_HEADER, "X-API-Key"},
    {HTTP_KEY_NONE, NULL},
};

const struct face face_agent402 = {
    .name = "agent402",
    .title = "agent402",
    .routes = routes,
    .covers = covers,
    .manners = {.error_type = "application/json",
                .error_body = face_error,
                .error_for = agent402_error_for,
                .keys = keys,
                .cost = 1},
    .credits = CODE_RUN_CREDITS,
    .prices = prices,
    .sells = true,
};
