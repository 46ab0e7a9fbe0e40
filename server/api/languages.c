/* What can run. The list of languages is large, so its answer flows: one language is made at a time, and the next when
 * the client has taken enough. */
#include "api/languages.h"

#include "api/answers.h"
#include "api/api.h"
#include "api/pending.h"
#include "base/buf.h"
#include "base/container_of.h"
#include "base/json.h"

#include <stdlib.h>

#define PIECE_MAX ((size_t)16 * 1024 * 1024) /* bytes of one language as JSON */

struct languages_answer {
    struct pending pending;
    struct catalog *languages;
    size_t next;      /* the place of the language after the piece */
    struct buf piece; /* one language with what comes before it, or the end of the list */
    size_t written;   /* bytes of the piece */
    bool ends;        /* the piece is the end */
};

static const struct language *next_offered(struct catalog *languages, size_t *next)
{
    while (*next < catalog_count(languages)) {
        const struct language *language = catalog_at(languages, (*next)++);
        if (language_default(language) != NULL)
            return language;
    }
    return NULL;
}

/* The list. */

static void languages_answer_free(struct languages_answer *answer)
{
    buf_free(&answer->piece);
    free(answer);
}

static void languages_answer_gone(struct pending *pending)
{
    languages_answer_free(container_of(pending, struct languages_answer, pending));
}

static int add_language(struct buf *out, const struct language *language)
{
    size_t len;
    json_t *value = language_json(language);
    char *text = value != NULL ? json_text(value, &len) : NULL;
    int rc = text != NULL ? buf_append(out, text, len) : -1;

    json_decref(value);
    free(text);
    return rc;
}

/* Makes the next piece, the first one if `first`. 0, or -1: out of memory. */
static int make_piece(struct languages_answer *answer, bool first)
{
    const struct language *language = next_offered(answer->languages, &answer->next);

    buf_reset(&answer->piece);
    answer->written = 0;
    answer->ends = language == NULL;
    if (first && buf_puts(&answer->piece, "{\"languages\":[") != 0)
        return -1;
    if (answer->ends)
        return buf_puts(&answer->piece, "]}");
    if (!first && buf_puts(&answer->piece, ",") != 0)
        return -1;
    return add_language(&answer->piece, language);
}

/* False: the client must take some of the answer first. */
static bool write_piece(struct languages_answer *answer)
{
    const struct buf *piece = &answer->piece;

    answer->written += http_flow_write(answer->pending.ex, piece->data + answer->written, piece->len - answer->written);
    return answer->written == piece->len;
}

static void write_languages(void *arg)
{
    struct languages_answer *answer = arg;
    int rc = 0;

    while (rc == 0) {
        if (!write_piece(answer))
            return;
        if (answer->ends)
            break;
        rc = make_piece(answer, false);
    }
    if (rc == 0)
        http_flow_end(pending_end(&answer->pending));
    else
        http_flow_abort(pending_end(&answer->pending));
    languages_answer_free(answer);
}

void api_languages_list(struct http_exchange *ex)
{
    struct languages_answer *answer = calloc(1, sizeof *answer);

    if (answer == NULL) {
        api_respond(ex, 200, NULL);
        return;
    }
    *answer = (struct languages_answer){.languages = api_of(ex)->languages};
    buf_init(&answer->piece, PIECE_MAX);
    if (make_piece(answer, true) != 0) {
        languages_answer_free(answer);
        api_respond(ex, 200, NULL);
        return;
    }
    http_flow_on_drained(ex, write_languages, answer);
    pending_begin(&answer->pending, ex, languages_answer_gone);
    http_flow_begin(ex, 200, "application/json");
    write_languages(answer);
}

/* The others. */

void api_languages_ids(struct http_exchange *ex)
{
    json_t *array = json_array();
    size_t next = 0;
    const struct language *language;

    while ((language = next_offered(api_of(ex)->languages, &next)) != NULL)
        json_array_append_new(array, json_string(language->id));
    api_respond(ex, 200, array);
}

void api_languages_get(struct http_exchange *ex)
{
    struct language_version *version;
    const struct language *language = catalog_find(api_of(ex)->languages, http_param(ex, "id"), &version);

    if (language != NULL) {
        api_respond(ex, 200, language_json(language));
        return;
    }
    struct error error;
    error_set(&error, ERROR_NOT_FOUND, "Language not found");
    api_respond_error(ex, &error);
}
