#include "client/remote.h"

#include "base/json.h"
#include "base/text.h"
#include "client/progress.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CONNECT_S 10L
#define FILE_LINE_MAX 4096 /* bytes of a line of the file with settings */
#define SENTENCE_MAX 400   /* bytes of an answer that is no JSON which the user gets to see */

/* Where the server is. */

static FILE *open_settings(void)
{
    const char *folder = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    char path[4096];

    if (folder != NULL && folder[0] != '\0')
        snprintf(path, sizeof path, "%s/codecell", folder);
    else
        snprintf(path, sizeof path, "%s/.config/codecell", home != NULL ? home : "");
    return fopen(path, "re");
}

/* Takes the value of a line "NAME=value" of this name. */
static void take_line(const char *line, const char *name, char *out, size_t max)
{
    size_t len = strlen(name);

    if (strncmp(line, name, len) == 0 && line[len] == '=')
        snprintf(out, max, "%.*s", (int)strcspn(line + len + 1, "\r\n"), line + len + 1);
}

static void read_settings(struct remote *remote)
{
    char line[FILE_LINE_MAX];
    FILE *file = open_settings();

    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (getenv("CODECELL_URL") == NULL)
            take_line(line, "CODECELL_URL", remote->url, sizeof remote->url);
        if (getenv("CODECELL_KEY") == NULL)
            take_line(line, "CODECELL_KEY", remote->key, sizeof remote->key);
    }
    if (file != NULL)
        fclose(file);
}

int remote_init(struct remote *remote, const char *url, const char *key, struct error *error)
{
    text_copy(remote->url, sizeof remote->url, url);
    text_copy(remote->key, sizeof remote->key, key);
    read_settings(remote);
    size_t len = strlen(remote->url);
    if (len > 0 && remote->url[len - 1] == '/')
        remote->url[len - 1] = '\0';
    if (strncmp(remote->url, "http://", 7) != 0 && strncmp(remote->url, "https://", 8) != 0)
        return error_set(error, ERROR_INVALID, "not an http or https URL: %s", remote->url), -1;
    return 0;
}

/* One call. */

struct remote_transfer {
    CURL *curl;
    const struct remote_call *call;
    struct remote_answer *answer;
    struct curl_slist *headers;
    struct buf url;
    struct progress progress;
};

static int on_progress(void *arg, curl_off_t to_come, curl_off_t came, curl_off_t to_send, curl_off_t sent)
{
    struct remote_transfer *transfer = arg;
    bool uploads = sent > came;

    progress_show(&transfer->progress, (uint64_t)(uploads ? sent : came), (uint64_t)(uploads ? to_send : to_come));
    return 0;
}

static size_t on_remote_data(char *data, size_t size, size_t count, void *arg)
{
    struct remote_transfer *transfer = arg;
    const struct remote_call *call = transfer->call;
    size_t len = size * count;
    long status = 0;

    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    if (call->on_data != NULL && status / 100 == 2)
        return call->on_data(call->arg, data, len) == 0 ? len : 0;
    return buf_append(&transfer->answer->body, data, len) == 0 ? len : 0;
}

static int remote_add_header(struct remote_transfer *transfer, const char *name, const char *value)
{
    char line[REMOTE_KEY_MAX + 64];

    snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(transfer->headers, line);
    if (longer == NULL)
        return -1;
    transfer->headers = longer;
    return 0;
}

/* libcurl would wait for 100 Continue before a large body, and the server reads at once. */
static int add_headers(struct remote_transfer *transfer, const struct remote *remote)
{
    const struct remote_call *call = transfer->call;

    if (remote_add_header(transfer, "Expect", "") != 0 ||
        (remote->key[0] != '\0' && remote_add_header(transfer, "X-API-Key", remote->key) != 0) ||
        (call->type != NULL && remote_add_header(transfer, "Content-Type", call->type) != 0) ||
        (call->accept != NULL && remote_add_header(transfer, "Accept", call->accept) != 0))
        return -1;
    return 0;
}

static void set_file(CURL *curl, FILE *file)
{
    struct stat status;

    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READDATA, file);
    if (fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode))
        curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)status.st_size);
}

static void set_body(CURL *curl, const struct remote_call *call)
{
    if (call->type == NULL)
        return;
    if (call->data == NULL) {
        set_file(curl, call->file);
        return;
    }
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call->data);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->len);
}

static int remote_prepare(struct remote_transfer *transfer, const struct remote *remote)
{
    CURL *curl = transfer->curl;
    const struct remote_call *call = transfer->call;

    if (curl == NULL || buf_printf(&transfer->url, "%s%s", remote->url, call->path) != 0 ||
        add_headers(transfer, remote) != 0)
        return -1;
    curl_easy_setopt(curl, CURLOPT_URL, transfer->url.data);
    set_body(curl, call);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, transfer->headers);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "codecell/" CODECELL_VERSION);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, call->progress ? 0L : 1L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_remote_data);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
    return 0;
}

int remote_send(const struct remote *remote, const struct remote_call *call, struct remote_answer *answer,
                struct error *error)
{
    struct remote_transfer transfer = {.curl = curl_easy_init(), .call = call, .answer = answer};
    CURLcode code = CURLE_OUT_OF_MEMORY;

    buf_init(&answer->body, REMOTE_ANSWER_MAX);
    buf_init(&transfer.url, (size_t)4 * REMOTE_URL_MAX);
    if (remote_prepare(&transfer, remote) == 0)
        code = curl_easy_perform(transfer.curl);
    progress_end(&transfer.progress);
    if (code == CURLE_OK)
        curl_easy_getinfo(transfer.curl, CURLINFO_RESPONSE_CODE, &answer->status);
    else
        error_set(error, ERROR_UNAVAILABLE, "%s: %s", remote->url, curl_easy_strerror(code));
    if (transfer.curl != NULL)
        curl_easy_cleanup(transfer.curl);
    curl_slist_free_all(transfer.headers);
    buf_free(&transfer.url);
    if (code != CURLE_OK)
        remote_free(answer);
    return code == CURLE_OK ? 0 : -1;
}

void remote_free(struct remote_answer *answer)
{
    buf_free(&answer->body);
}

bool remote_is_good(const struct remote_answer *answer, struct error *error)
{
    const struct buf *body = &answer->body;

    if (answer->status / 100 == 2)
        return true;
    json_t *value = body->len > 0 ? json_parse(body->data, body->len, NULL) : NULL;
    const char *detail = json_string_value(json_object_get(value, "detail"));
    if (detail != NULL)
        error_set(error, ERROR_INVALID, "%s", detail);
    else
        error_set(error, ERROR_INVALID, "the server answered %ld: %.*s", answer->status,
                  (int)(body->len < SENTENCE_MAX ? body->len : SENTENCE_MAX), body->len > 0 ? body->data : "");
    json_decref(value);
    return false;
}

json_t *remote_json(const struct remote *remote, const char *method, const char *path, const json_t *body,
                    struct error *error)
{
    size_t len = 0;
    char *text = body != NULL ? json_text(body, &len) : NULL;
    struct remote_call call = {
        .method = method, .path = path, .type = body != NULL ? "application/json" : NULL, .data = text, .len = len};
    struct remote_answer answer;
    json_t *value = NULL;

    if (body != NULL && text == NULL) {
        error_set(error, ERROR_MEMORY, ERROR_MEMORY_SENTENCE);
        return NULL;
    }
    if (remote_send(remote, &call, &answer, error) == 0) {
        if (remote_is_good(&answer, error))
            value = answer.body.len > 0 ? json_parse(answer.body.data, answer.body.len, error) : json_object();
        remote_free(&answer);
    }
    free(text);
    return value;
}

int remote_escape(struct buf *out, const char *text, bool slashes)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (; *text != '\0'; text++) {
        bool stays = strchr(plain, *text) != NULL || (slashes && *text == '/');
        if ((stays ? buf_append(out, text, 1) : buf_printf(out, "%%%02X", (unsigned char)*text)) != 0)
            return -1;
    }
    return 0;
}
