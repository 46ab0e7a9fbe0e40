/* Where the engine is: DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, as the docker command reads them. */
#ifndef CODECELL_DOCKER_ENGINE_ENDPOINT_H
#define CODECELL_DOCKER_ENGINE_ENDPOINT_H

#include "base/error.h"

#include <curl/curl.h>
#include <stdbool.h>

struct endpoint {
    char *socket;          /* path of a unix socket; NULL: TCP */
    char *base;            /* "http://docker", "https://host:2376": a URL without its path */
    char *host;            /* value of the Host header, for the request that curl does not write (attach.c) */
    bool tls, verify;      /* verify: check the engine's certificate */
    char *ca, *cert, *key; /* paths of PEM files; NULL without TLS */
};

/* `host` NULL or "": unix:///var/run/docker.sock. 0, or -1 and a sentence that names the wrong variable. */
int endpoint_parse(struct endpoint *endpoint, const char *host, bool tls_verify, const char *cert_path,
                   struct error *error);
void endpoint_free(struct endpoint *endpoint);

/* Sets what every connection to the engine needs, and the URL of `path`, on a new easy handle. 0, or -1: out of memory,
 * or the path is too long. */
int endpoint_apply(const struct endpoint *endpoint, CURL *easy, const char *path);

#endif
