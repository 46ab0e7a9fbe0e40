#include "http/listener_address.h"

#include "base/error.h"
#include "http/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define UNIX_PREFIX "unix:"
#define UNIX_MODE 0660 /* the file's group decides who may connect */

static int address_fail(struct error *error, const char *address, const char *why)
{
    return error_set(error, ERROR_INVALID, "listen on %s: %s", address, why);
}

static int parse_port(const char *text)
{
    char *end;
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 5 || text[digits] != '\0')
        return -1;
    long port = strtol(text, &end, 10);
    return port <= 65535 ? (int)port : -1;
}

static int parse_listen_tcp(const char *address, struct sockaddr_storage *out)
{
    char host[64];
    const char *colon = strrchr(address, ':');
    int port = colon == NULL ? -1 : parse_port(colon + 1);

    if (port < 0 || (size_t)(colon - address) >= sizeof host)
        return -1;
    memcpy(host, address, (size_t)(colon - address));
    host[colon - address] = '\0';
    size_t len = strlen(host);
    if (len < 2 || host[0] != '[' || host[len - 1] != ']')
        return uv_ip4_addr(host, port, (struct sockaddr_in *)out);
    host[len - 1] = '\0';
    return uv_ip6_addr(host + 1, port, (struct sockaddr_in6 *)out);
}

static int open_tcp(struct http_server *server, const char *address, bool *opened, struct error *error)
{
    struct sockaddr_storage name = {0};

    if (parse_listen_tcp(address, &name) != 0)
        return address_fail(error, address,
                            "must be an address and a port, as 127.0.0.1:8002 or [::1]:8002, or unix:/path");
    int rc = uv_tcp_init(server->loop, &server->listener.tcp);
    *opened = rc == 0;
    if (rc == 0)
        rc = uv_tcp_bind(&server->listener.tcp, (struct sockaddr *)&name, 0);
    return rc == 0 ? 0 : address_fail(error, address, uv_strerror(rc));
}

/* Whether a server answers on the socket; also true if that cannot be found out. */
static bool is_answered(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return true;
    memcpy(name.sun_path, path, strlen(path) + 1);
    bool stale = connect(fd, (struct sockaddr *)&name, sizeof name) != 0 && errno == ECONNREFUSED;
    close(fd);
    return !stale;
}

/* Removes the socket that a killed server left; nothing else. */
static int clear_path(const char *address, const char *path, struct error *error)
{
    struct stat info;

    if (lstat(path, &info) != 0)
        return errno == ENOENT ? 0 : address_fail(error, address, strerror(errno));
    if (!S_ISSOCK(info.st_mode))
        return address_fail(error, address, "the path is a file that is not a socket");
    if (is_answered(path))
        return address_fail(error, address, "another server answers there");
    return unlink(path) == 0 ? 0 : address_fail(error, address, strerror(errno));
}

static int open_unix(struct http_server *server, const char *address, bool *opened, struct error *error)
{
    const char *path = address + strlen(UNIX_PREFIX);

    if (*path != '/' || strlen(path) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        return address_fail(error, address, "must be an absolute path of at most 107 characters");
    if (clear_path(address, path, error) != 0)
        return -1;
    server->is_unix = true;
    int rc = uv_pipe_init(server->loop, &server->listener.pipe, 0);
    *opened = rc == 0;
    if (rc == 0)
        rc = uv_pipe_bind(&server->listener.pipe, path);
    if (rc == 0 && chmod(path, UNIX_MODE) != 0) /* no client can connect before it listens */
        rc = -errno;
    if (rc == UV_EACCES) /* uv reports this for ENOENT too */
        return address_fail(error, address, "no such directory, or no permission to write there");
    return rc == 0 ? 0 : address_fail(error, address, uv_strerror(rc));
}

int http_address_open(struct http_server *server, const char *address, bool *opened, struct error *error)
{
    if (strncmp(address, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0)
        return open_unix(server, address, opened, error);
    return open_tcp(server, address, opened, error);
}

int http_address_name(struct http_server *server, const char *address)
{
    struct sockaddr_storage name;
    char host[INET6_ADDRSTRLEN];
    int len = sizeof name;

    if (server->is_unix) {
        snprintf(server->address, sizeof server->address, "%s", address);
        return 0;
    }
    int rc = uv_tcp_getsockname(&server->listener.tcp, (struct sockaddr *)&name, &len);
    if (rc == 0)
        rc = uv_ip_name((struct sockaddr *)&name, host, sizeof host);
    if (rc != 0)
        return rc;
    bool six = name.ss_family == AF_INET6;
    in_port_t port = six ? ((struct sockaddr_in6 *)&name)->sin6_port : ((struct sockaddr_in *)&name)->sin_port;
    snprintf(server->address, sizeof server->address, six ? "[%s]:%u" : "%s:%u", host, ntohs(port));
    return 0;
}
