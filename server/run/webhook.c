/* The happy path: webhook_post -> an easy handle -> open_socket, which checks the address -> on_posted -> done(). */
#include "run/webhook.h"

#include "base/container_of.h"
#include "base/curl_loop.h"
#include "base/seam.h"
#include "run/webhook_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_MS 5000L
#define IDLE_CONNECTIONS 1L /* none is kept */

struct webhook_client {
    struct curl_loop curl;
    const struct ip_nets *allowed;
};

struct webhook_call {
    struct webhook_client *client;
    struct transfer transfer;
    struct curl_slist *headers;
    char *body;
    size_t answered; /* bytes of the answer */
    bool refused;    /* an address may not be reached */
    webhook_done *done;
    void *arg;
};

struct webhook_client *webhook_client_open(uv_loop_t *loop, const struct ip_nets *allowed)
{
    struct webhook_client *client = calloc(1, sizeof *client);

    if (client == NULL)
        return NULL;
    client->allowed = allowed;
    curl_loop_open(&client->curl, loop, IDLE_CONNECTIONS);
    return client;
}

void webhook_client_close(struct webhook_client *client)
{
    curl_loop_close(&client->curl, free, client);
}

static void post_free(struct webhook_call *call)
{
    curl_easy_cleanup(call->transfer.easy);
    curl_slist_free_all(call->headers);
    free(call->body);
    free(call);
}

/* The end. */

static void say_failure(const struct webhook_call *call, CURLcode code, char *out, size_t room)
{
    long status = 0;

    curl_easy_getinfo(call->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    if (call->refused)
        snprintf(out, room, "its address is not public");
    else if (call->answered > WEBHOOK_ANSWER_MAX)
        snprintf(out, room, "its answer is over %u KiB", WEBHOOK_ANSWER_MAX >> 10);
    else if (code == CURLE_OPERATION_TIMEDOUT)
        snprintf(out, room, "no answer within %d s", WEBHOOK_SECONDS);
    else if (code != CURLE_OK)
        snprintf(out, room, "%s", curl_easy_strerror(code));
    else if (status < 200 || status > 299)
        snprintf(out, room, "it answered %ld", status);
    else
        *out = '\0';
}

static void on_posted(struct transfer *transfer, CURLcode code)
{
    struct webhook_call *call = container_of(transfer, struct webhook_call, transfer);
    webhook_done *done = call->done;
    void *arg = call->arg;
    char why[WEBHOOK_ERROR_MAX + 1];

    say_failure(call, code, why, sizeof why);
    webhook_cancel(call);
    done(arg, *why != '\0' ? why : NULL);
}

void webhook_cancel(struct webhook_call *call)
{
    curl_loop_remove(&call->client->curl, &call->transfer);
    post_free(call);
}

/* What curl asks on its way. */

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct webhook_call *call = arg;
    struct ip ip;

    (void)purpose; /* there is only one */
    if (!ip_of(&address->addr, &ip) || !webhook_may_reach(&ip, call->client->allowed)) {
        call->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t on_reply(char *data, size_t size, size_t len, void *arg)
{
    struct webhook_call *call = arg;

    (void)data, (void)size; /* size is always 1 */
    call->answered += len;
    return call->answered <= WEBHOOK_ANSWER_MAX ? len : 0;
}

/* Building. */

static int add_header(struct webhook_call *call, const char *name, const char *value)
{
    char line[256];

    snprintf(line, sizeof line, "%s:%s%s", name, *value != '\0' ? " " : "", value);
    struct curl_slist *longer = curl_slist_append(call->headers, line);
    if (longer == NULL)
        return -1;
    call->headers = longer;
    return 0;
}

/* The id is the same in each try. "Expect:" without a value keeps curl from waiting for 100 Continue. */
static int add_headers(struct webhook_call *call, const struct webhook_row *row, size_t len)
{
    int64_t now = seam_wall_ms() / 1000;
    char id[UUID_LEN + 8], timestamp[24], signature[WEBHOOK_SIGNATURE_LEN + 1];

    snprintf(id, sizeof id, "msg_%s", row->id);
    snprintf(timestamp, sizeof timestamp, "%lld", (long long)now);
    return webhook_sign(row->secret, id, now, call->body, len, signature) != 0 || add_header(call, "Expect", "") != 0 ||
                   add_header(call, "Content-Type", "application/json") != 0 ||
                   add_header(call, "webhook-id", id) != 0 || add_header(call, "webhook-timestamp", timestamp) != 0 ||
                   add_header(call, "webhook-signature", signature) != 0
               ? -1
               : 0;
}

static int post_set_up(struct webhook_call *call, const struct webhook_row *row, size_t len)
{
    CURL *easy = call->transfer.easy = curl_easy_init();

    if (easy == NULL || add_headers(call, row, len) != 0)
        return -1;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* whatever the environment says */
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, WEBHOOK_SECONDS * 1000L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "codecell/" CODECELL_VERSION);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_reply);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_reply);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    return curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers) != CURLE_OK ||
                   curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK ||
                   curl_easy_setopt(easy, CURLOPT_URL, row->url) != CURLE_OK
               ? -1
               : 0;
}

struct webhook_call *webhook_post(struct webhook_client *client, const struct webhook_row *row, char *body, size_t len,
                                  webhook_done *done, void *arg)
{
    struct webhook_call *call = calloc(1, sizeof *call);

    if (call == NULL) {
        free(body);
        return NULL;
    }
    call->client = client;
    call->body = body;
    call->transfer.done = on_posted;
    call->done = done;
    call->arg = arg;
    if (post_set_up(call, row, len) == 0 && curl_loop_add(&client->curl, &call->transfer) == 0)
        return call;
    post_free(call);
    return NULL;
}
