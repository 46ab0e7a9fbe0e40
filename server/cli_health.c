#include "base/buf.h"
#include "cli.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define LIMIT_MS 2000L

#define ANSWER_MAX ((size_t)64 << 10) /* bytes of an answer */

/* curl's write function: `arg` is a struct buf. What does not fit ends the transfer. */
static size_t collect_answer(char *data, size_t size, size_t count, void *arg)
{
    return buf_append(arg, data, size * count) == 0 ? size * count : 0;
}

/* The address to connect to: a server that listens on every address is reached over the loopback. */
static const char *reachable(const char *listen, char room[64])
{
    static const struct {
        const char *any, *here;
    } wildcards[] = {{"0.0.0.0:", "127.0.0.1:"}, {"[::]:", "[::1]:"}};

    for (size_t i = 0; i < sizeof wildcards / sizeof *wildcards; i++) {
        size_t len = strlen(wildcards[i].any);
        if (strncmp(listen, wildcards[i].any, len) != 0)
            continue;
        snprintf(room, 64, "%s%s", wildcards[i].here, listen + len);
        return room;
    }
    return listen;
}

static void set_address(CURL *curl, const char *listen, const char *resource)
{
    char room[64], url[256];
    const char *path = strncmp(listen, "unix:", 5) == 0 ? listen + 5 : NULL;

    snprintf(url, sizeof url, "http://%s%s", path != NULL ? "localhost" : reachable(listen, room), resource);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    if (path != NULL)
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, path);
}

/* Sets *status to the answer's; 0: there is none. The caller frees `body`. */
static CURLcode ask_server(CURL *curl, const char *listen, const char *resource, struct buf *body, long *status)
{
    *status = 0;
    buf_init(body, ANSWER_MAX);
    set_address(curl, listen, resource);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, LIMIT_MS);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect_answer);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    return code;
}

static int health_ask(CURL *curl, const char *listen)
{
    struct buf body;
    long status;

    CURLcode code = ask_server(curl, listen, "/health", &body, &status);
    buf_free(&body);
    if (code != CURLE_OK)
        return cli_failed("no answer from %s: %s", listen, curl_easy_strerror(code));
    return status == 200 ? CLI_OK : cli_failed("%s answers %ld", listen, status);
}

/* A server without capsules is healthy, so this only says what is missing. */
static void advise_isolation(CURL *curl, const char *listen)
{
    const char *reason = NULL;
    struct buf body;
    long status;

    ask_server(curl, listen, "/ready", &body, &status);
    json_t *answer = json_loadb(body.data != NULL ? body.data : "", body.len, 0, NULL);
    if (json_unpack(answer, "{s:{s:s}}", "checks", "isolation_reason", &reason) == 0)
        printf("Cells have no capsules, so each runs one program: %s. docs/engines.md says what capsules need.\n",
               reason);
    json_decref(answer);
    buf_free(&body);
}

int cli_health(int argc, char **argv, const struct config *config)
{
    if (cli_parse(argc, argv, NULL, NULL) != CLI_OK)
        return CLI_USAGE;
    CURL *curl = curl_easy_init();
    if (curl == NULL)
        return cli_failed("out of memory");
    int status = health_ask(curl, config->listen);
    if (status == CLI_OK)
        advise_isolation(curl, config->listen);
    curl_easy_cleanup(curl);
    return status;
}
