#include "api/asset.h"

#include "api/answers.h"
#include "api/api.h"
#include "http/accept_encoding.h"
#include "http/etag.h"

#include <stdlib.h>
#include <string.h>

/* What a page may load and do, by its Content-Security-Policy; which pages may be around it follows. */

/* No script but that of files of this server, and no request to another one. */
#define PAGE_POLICY                                                                                    \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " \
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors"

/* Shows what programs have made. Its scripts run, as an origin of their own: they reach neither the page around it, nor
 * what the browser stores for this server, nor any server. */
#define FRAME_POLICY                                                                                             \
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src " \
    "data:; "                                                                                                    \
    "font-src data:; media-src data:; base-uri 'none'; form-action 'none'; frame-ancestors"

static const char without_pages[] =
    "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Codecell</title>\n"
    "<p>This Codecell server was built without its pages for browsers. Its API works:\n"
    "<a href=\"/openapi.json\">/openapi.json</a> describes it.\n"
    "<p>To have the pages, run <code>server/page/build</code> and then build the server again.\n";

static const struct asset *asset_find(const struct asset *assets, const char *path)
{
    for (; assets->path != NULL; assets++)
        if (strcmp(assets->path, path) == 0)
            return assets;
    return NULL;
}

static bool is_at(const struct http_exchange *ex, const char *pattern)
{
    return strcmp(http_route(ex)->pattern, pattern) == 0;
}

/* The playground may be a part of any page if it is asked for in that way. It uses no stored key then. */
static bool is_embedded(const struct http_exchange *ex)
{
    const char *embed = http_query(ex, "embed");

    return embed != NULL && strcmp(embed, "1") == 0;
}

/* Pages that may be around it: all of them count, so the frame in an embedded playground has a foreign one, too. */
static const char *ancestors(const struct http_exchange *ex)
{
    bool frame = is_at(ex, "/frame");

    if (is_embedded(ex) && (frame || is_at(ex, "/")))
        return "*";
    return frame ? "'self'" : "'none'";
}

static void add_manners(struct http_exchange *ex)
{
    http_header_add(ex, "Content-Security-Policy", "%s %s", is_at(ex, "/frame") ? FRAME_POLICY : PAGE_POLICY,
                    ancestors(ex));
    http_header_add(ex, "X-Content-Type-Options", "nosniff");
    http_header_add(ex, "Referrer-Policy", "no-referrer");
    http_header_add(ex, "Cache-Control", "no-cache");
}

static void respond_copy(struct http_exchange *ex, int status, const char *type, const char *data, size_t len)
{
    char *copy = malloc(len + 1);

    if (copy == NULL) {
        api_respond(ex, status, NULL);
        return;
    }
    memcpy(copy, data, len);
    copy[len] = '\0';
    http_respond(ex, status, type, copy, len);
}

static void asset_respond(struct http_exchange *ex, const struct asset *asset)
{
    bool gzip = http_accepts_gzip(http_header(ex, "Accept-Encoding"));
    const char *data = gzip ? asset->gzip : asset->plain, *end = gzip ? asset->gzip_end : asset->plain_end;
    char etag[64];

    snprintf(etag, sizeof etag, "\"%s%s\"", asset->etag, gzip ? "-gzip" : "");
    add_manners(ex);
    http_header_add(ex, "Vary", "Accept-Encoding");
    http_header_add(ex, "ETag", "%s", etag);
    if (http_etag_fits(http_header(ex, "If-None-Match"), etag)) {
        http_respond(ex, 304, asset->type, NULL, 0);
        return;
    }
    if (gzip)
        http_header_add(ex, "Content-Encoding", "gzip");
    respond_copy(ex, 200, asset->type, data, (size_t)(end - data));
}

void api_asset(struct http_exchange *ex)
{
    const struct asset *assets = api_of(ex)->assets;
    const char *file = http_param(ex, "file");
    char path[128];

    snprintf(path, sizeof path, "%s%s", file != NULL ? "/page/" : http_route(ex)->pattern, file != NULL ? file : "");
    const struct asset *asset = asset_find(assets, path);
    if (!api_of(ex)->playground && (is_at(ex, "/") || is_at(ex, "/frame"))) {
        http_respond_error(ex, error_status(ERROR_NOT_FOUND), "The playground is switched off on this server");
    } else if (asset != NULL) {
        asset_respond(ex, asset);
    } else if (assets->path == NULL && file == NULL) {
        add_manners(ex);
        respond_copy(ex, 200, "text/html; charset=utf-8", without_pages, sizeof without_pages - 1);
    } else {
        http_respond_error(ex, error_status(ERROR_NOT_FOUND), "Not found");
    }
}
