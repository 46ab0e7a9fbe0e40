#include "api/body.h"
#include "base/arena.h"
#include "faces/agent402.h"

#include <ctype.h>
#include <string.h>

#define LANGUAGE_MAX 64 /* bytes, before it is trimmed */

struct agent402_fields {
    const char *code, *language;
    size_t code_len;
};

/* The fields, and those inside of the three wrappers. */
struct agent402_body {
    struct agent402_fields own, params, input, args;
    bool has_params, has_input, has_args;
};

static const struct field inner_list[] = {
    {.name = "code",
     .type = FIELD_BYTES,
     .at = offsetof(struct agent402_fields, code),
     .len_at = offsetof(struct agent402_fields, code_len)},
    {.name = "language", .type = FIELD_TEXT, .most = LANGUAGE_MAX, .at = offsetof(struct agent402_fields, language)},
};
static const struct fields inner_fields = FIELDS(inner_list, sizeof(struct agent402_fields));

#define WRAPPER(wrapper)                                                                                       \
    {                                                                                                          \
        .name = #wrapper, .type = FIELD_OBJECT, .inside = &inner_fields,                                       \
        .at = offsetof(struct agent402_body, wrapper), .len_at = offsetof(struct agent402_body, has_##wrapper) \
    }

static const struct field body_list[] = {
    {.name = "code",
     .type = FIELD_BYTES,
     .at = offsetof(struct agent402_body, own.code),
     .len_at = offsetof(struct agent402_body, own.code_len)},
    {.name = "language", .type = FIELD_TEXT, .most = LANGUAGE_MAX, .at = offsetof(struct agent402_body, own.language)},
    WRAPPER(params),
    WRAPPER(input),
    WRAPPER(args),
};
static const struct fields body_fields = FIELDS(body_list, sizeof(struct agent402_body));

/* Bytes of the white space at the beginning of a text that JavaScript's trim() takes off; 0: there is none. */
static size_t space_len(const char *text, size_t len)
{
    static const char *const wide[] = {"\u00a0", "\ufeff", "\u2028", "\u2029", "\u3000"};

    if (len > 0 && strchr(" \t\n\v\f\r", *text) != NULL && *text != '\0')
        return 1;
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
        size_t bytes = strlen(wide[i]);
        if (len >= bytes && memcmp(text, wide[i], bytes) == 0)
            return bytes;
    }
    return 0;
}

static void trim(const char **text, size_t *len)
{
    size_t more;

    while ((more = space_len(*text, *len)) > 0) {
        *text += more;
        *len -= more;
    }
    for (more = 1; more > 0 && *len > 0; *len -= more) {
        more = space_len(*text + *len - 1, 1);
        if (more == 0 && *len >= 2)
            more = space_len(*text + *len - 2, 2) == 2 ? 2 : 0;
        if (more == 0 && *len >= 3)
            more = space_len(*text + *len - 3, 3) == 3 ? 3 : 0;
    }
}

/* Units of UTF-16, which is what the service counts. */
static int64_t characters_of(const char *text, size_t len)
{
    int64_t count = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];
        if ((byte & 0xc0) != 0x80)
            count += byte >= 0xf0 ? 2 : 1;
    }
    return count;
}

/* The body counts before its wrappers, and these before the query. */
static void choose(struct agent402_fields *chosen, const struct agent402_body *body, const struct agent402_query *query)
{
    const struct agent402_fields asked = {
        .code = query->code, .language = query->language, .code_len = query->code != NULL ? strlen(query->code) : 0};
    const struct agent402_fields *const places[] = {&body->own, &body->params, &body->input, &body->args, &asked};

    *chosen = (struct agent402_fields){.code = NULL};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (chosen->code == NULL) {
            chosen->code = places[i]->code;
            chosen->code_len = places[i]->code_len;
        }
        if (chosen->language == NULL)
            chosen->language = places[i]->language;
    }
}

static int take_code(struct execution_request *request, struct agent402_fields *chosen,
                     const struct agent402_product *product, const struct execute_rules *rules, struct error *error)
{
    if (chosen->code == NULL)
        return error_set(error, ERROR_INVALID, "code is required");
    trim(&chosen->code, &chosen->code_len);
    if (chosen->code_len == 0)
        return error_set(error, ERROR_INVALID, "code must not be blank");
    if (characters_of(chosen->code, chosen->code_len) > product->characters || chosen->code_len > rules->max_code)
        return error_set(error, ERROR_INVALID, "code must be at most %lld characters", (long long)product->characters);
    request->code = arena_text(&request->arena, chosen->code, chosen->code_len);
    request->code_len = chosen->code_len;
    return request->code != NULL ? 0 : error_memory(error);
}

static int take_language(struct execution_request *request, const struct agent402_fields *chosen, struct error *error)
{
    const char *said = chosen->language != NULL ? chosen->language : "python";
    size_t len = strlen(said);

    trim(&said, &len);
    char *name = arena_text(&request->arena, said, len);
    if (name == NULL)
        return error_memory(error);
    for (char *at = name; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    if (strcmp(name, "python") != 0 && strcmp(name, "javascript") != 0)
        return error_set(error, ERROR_INVALID, "language must be \"python\" or \"javascript\"");
    request->language_name = name;
    return 0;
}

int agent402_read(struct execution_request *request, const struct agent402_product *product,
                  const struct agent402_query *query, char *text, size_t len, const struct execute_rules *rules,
                  struct error *error)
{
    struct agent402_body body = {.has_params = false};
    struct agent402_fields chosen;
    char nothing[] = "{}";
    size_t cost;

    *request = (struct execution_request){.code = NULL};
    bool empty = text[strspn(text, " \t\r\n")] == '\0';
    if (body_read(request, &body_fields, NULL, empty ? nothing : text, empty ? 2 : len, &body, &cost, error) != 0)
        return -1;
    choose(&chosen, &body, query);
    if (take_code(request, &chosen, product, rules, error) != 0 || take_language(request, &chosen, error) != 0)
        return -1;
    int64_t most_kb = (int64_t)rules->maxima.output_kb;
    request->timeout_ms = (product->seconds < rules->max_timeout ? product->seconds : rules->max_timeout) * 1000;
    request->evaluate = true;
    request->overrides.value[LIMIT_OUTPUT] = product->output_kb < most_kb ? product->output_kb : most_kb;
    return 0;
}
