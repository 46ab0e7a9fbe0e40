#include "docker/engine/endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define DEFAULT_SOCKET "/var/run/docker.sock"
#define PORT "2375"
#define PORT_TLS "2376"
#define URL_MAX 2048

static int endpoint_parse_unix(struct endpoint *endpoint, const char *path, struct error *error)
{
    if (path[0] != '/' || strlen(path) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        return error_set(error, ERROR_INVALID, "DOCKER_HOST: the socket's path must be absolute and shorter than %zu",
                         sizeof((struct sockaddr_un *)NULL)->sun_path);
    endpoint->socket = strdup(path);
    endpoint->base = strdup("http://docker");
    endpoint->host = strdup("docker");
    return 0;
}

static int pem_file(char **out, const char *folder, const char *name, struct error *error)
{
    if (asprintf(out, "%s/%s", folder, name) < 0)
        *out = NULL;
    if (*out == NULL || access(*out, R_OK) != 0)
        return error_set(error, ERROR_INVALID, "DOCKER_CERT_PATH: %s cannot be read there", name);
    return 0;
}

/* Certificates without DOCKER_TLS_VERIFY mean TLS without a check of the engine's certificate. */
static int endpoint_parse_tls(struct endpoint *endpoint, bool verify, const char *certs, struct error *error)
{
    if (certs == NULL || certs[0] == '\0')
        return verify
                   ? error_set(error, ERROR_INVALID,
                               "DOCKER_TLS_VERIFY needs DOCKER_CERT_PATH, the folder of ca.pem, cert.pem and key.pem")
                   : 0;
    endpoint->tls = true;
    endpoint->verify = verify;
    if (verify && pem_file(&endpoint->ca, certs, "ca.pem", error) != 0)
        return -1;
    return pem_file(&endpoint->cert, certs, "cert.pem", error) == 0 ? pem_file(&endpoint->key, certs, "key.pem", error)
                                                                    : -1;
}

static bool has_port(const char *authority)
{
    const char *bracket = strrchr(authority, ']'); /* of an IPv6 address */

    return strchr(bracket != NULL ? bracket : authority, ':') != NULL;
}

static int endpoint_parse_tcp(struct endpoint *endpoint, const char *authority, struct error *error)
{
    static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_:[]";
    size_t len = strspn(authority, allowed);
    const char *port = has_port(authority) ? "" : endpoint->tls ? ":" PORT_TLS : ":" PORT;

    if (len == 0 || authority[0] == ':' || len > 255 || (authority[len] != '\0' && strcmp(authority + len, "/") != 0))
        return error_set(error, ERROR_INVALID, "DOCKER_HOST: tcp:// must be followed by a host and a port");
    if (asprintf(&endpoint->host, "%.*s%s", (int)len, authority, port) < 0)
        endpoint->host = NULL;
    else if (asprintf(&endpoint->base, "%s://%s", endpoint->tls ? "https" : "http", endpoint->host) < 0)
        endpoint->base = NULL;
    return 0;
}

static int endpoint_parse_host(struct endpoint *endpoint, const char *host, bool tls_verify, const char *cert_path,
                               struct error *error)
{
    if (host == NULL || host[0] == '\0')
        return endpoint_parse_unix(endpoint, DEFAULT_SOCKET, error);
    if (strncmp(host, "unix://", 7) == 0)
        return endpoint_parse_unix(endpoint, host + 7, error);
    if (strncmp(host, "tcp://", 6) == 0)
        return endpoint_parse_tls(endpoint, tls_verify, cert_path, error) == 0
                   ? endpoint_parse_tcp(endpoint, host + 6, error)
                   : -1;
    return error_set(error, ERROR_INVALID, "DOCKER_HOST must be unix:///path or tcp://host:port");
}

int endpoint_parse(struct endpoint *endpoint, const char *host, bool tls_verify, const char *cert_path,
                   struct error *error)
{
    *endpoint = (struct endpoint){0};
    int failed = endpoint_parse_host(endpoint, host, tls_verify, cert_path, error);
    if (failed == 0 && (endpoint->base == NULL || endpoint->host == NULL))
        failed = error_memory(error);
    if (failed != 0)
        endpoint_free(endpoint);
    return failed;
}

void endpoint_free(struct endpoint *endpoint)
{
    free(endpoint->socket);
    free(endpoint->base);
    free(endpoint->host);
    free(endpoint->ca);
    free(endpoint->cert);
    free(endpoint->key);
    *endpoint = (struct endpoint){0};
}

static CURLcode apply_tls(const struct endpoint *endpoint, CURL *easy)
{
    CURLcode code = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, endpoint->verify ? 1L : 0L);

    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, endpoint->verify ? 2L : 0L);
    if (code == CURLE_OK && endpoint->ca != NULL)
        code = curl_easy_setopt(easy, CURLOPT_CAINFO, endpoint->ca);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_SSLCERT, endpoint->cert);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_SSLKEY, endpoint->key);
    return code;
}

/* HTTP/1.1, because an upgrade needs it. No proxy: the environment's proxy settings are for other programs. */
int endpoint_apply(const struct endpoint *endpoint, CURL *easy, const char *path)
{
    char url[URL_MAX];

    if (snprintf(url, sizeof url, "%s%s", endpoint->base, path) >= (int)sizeof url)
        return -1;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, url);
    if (code == CURLE_OK && endpoint->socket != NULL)
        code = curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, endpoint->socket);
    if (code == CURLE_OK && endpoint->socket == NULL)
        code = curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    if (code == CURLE_OK && endpoint->tls)
        code = apply_tls(endpoint, easy);
    return code == CURLE_OK ? 0 : -1;
}
