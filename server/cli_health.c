#include "cli.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#define LIMIT_MS 2000L

static size_t drop(char *data, size_t size, size_t count, void *arg)
{
    (void)data;
    (void)arg;
    return size * count;
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

static void set_address(CURL *curl, const char *listen)
{
    char room[64], url[256];
    const char *path = strncmp(listen, "unix:", 5) == 0 ? listen + 5 : NULL;

    snprintf(url, sizeof url, "http://%s/health", path != NULL ? "localhost" : reachable(listen, room));
    curl_easy_setopt(curl, CURLOPT_URL, url);
    if (path != NULL)
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, path);
}

static int health_ask(CURL *curl, const char *listen)
{
    long status = 0;

    set_address(curl, listen);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, LIMIT_MS);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
    CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK)
        return cli_failed("no answer from %s: %s", listen, curl_easy_strerror(code));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return status == 200 ? CLI_OK : cli_failed("%s answers %ld", listen, status);
}

int cli_health(int argc, char **argv, const struct config *config)
{
    if (cli_parse(argc, argv, NULL, NULL) != CLI_OK)
        return CLI_USAGE;
    CURL *curl = curl_easy_init();
    if (curl == NULL)
        return cli_failed("out of memory");
    int status = health_ask(curl, config->listen);
    curl_easy_cleanup(curl);
    return status;
}
