#include "api/key_form.h"

#include "base/json.h"
#include "base/text.h"

struct key_form {
    const char *name;
    char **scopes;
    int64_t rate_per_minute, max_timeout; /* 0: not said */
    const json_t *credits;                /* a number, or {"add": number} */
    const char *expires_at;
    int reuse; /* enum key_reuse; KEY_REUSE_INHERIT: not said */
};

const char *const key_reuse_choices[] = {
    [KEY_REUSE_OFF] = "off", [KEY_REUSE_KEY] = "key", [KEY_REUSE_ANY] = "any", NULL};

static int check_scopes(const struct field_place *place, const struct field *field, const void *value)
{
    for (char *const *scope = *(char *const *const *)value; *scope != NULL; scope++)
        if (key_scope_named(*scope) == 0)
            return field_wrong(place, "%s", field->sentence);
    return 0;
}

struct credits_form {
    int64_t add;
};

static const struct field credits_list[] = {
    {.name = "add",
     .type = FIELD_INTEGER,
     .required = true,
     .least = -KEY_CREDITS_MAX,
     .most = KEY_CREDITS_MAX,
     .at = offsetof(struct credits_form, add),
     .meaning = "credits that are added to what the key has"},
};
static const struct fields credits_fields = FIELDS(credits_list, sizeof(struct credits_form));

static int check_credits(const struct field_place *place, const struct field *field, const void *value)
{
    const json_t *credits = *(const json_t *const *)value;
    struct credits_form form;
    int64_t number;

    if (json_is_object(credits))
        return fields_read_inside(&credits_fields, credits, place, &form);
    if (json_as_integer(credits, &number) == 0 && number >= 0 && number <= KEY_CREDITS_MAX)
        return 0;
    return field_wrong(place, "%s", field->sentence);
}

static int check_time(const struct field_place *place, const struct field *field, const void *value)
{
    int64_t ms;

    if (text_parse_time(*(const char *const *)value, &ms) == 0 && ms > 0)
        return 0;
    return field_wrong(place, "%s", field->sentence);
}

#define TO_TEXT(number) TO_TEXT_OF(number)
#define TO_TEXT_OF(number) #number

static const struct field key_form_list[] = {
    {.name = "name",
     .type = FIELD_TEXT,
     .least = 1,
     .most = KEY_NAME_MAX,
     .sentence = "must be 1 to " TO_TEXT(KEY_NAME_MAX) " bytes of UTF-8 without control characters",
     .at = offsetof(struct key_form, name),
     .meaning = "what people call the key"},
    {.name = "scopes",
     .type = FIELD_TEXTS,
     .least = 1,
     .most = 3,
     .sentence = "must be an array of execute, read and admin",
     .check = check_scopes,
     .at = offsetof(struct key_form, scopes),
     .fallback = "[\"execute\", \"read\"]",
     .meaning = "what the key may do",
     .schema = "{\"items\": {\"type\": \"string\", \"enum\": [\"execute\", \"read\", \"admin\"]}}"},
    {.name = "rate_per_minute",
     .type = FIELD_INTEGER,
     .least = 1,
     .most = KEY_RATE_MAX,
     .at = offsetof(struct key_form, rate_per_minute),
     .meaning = "requests a minute, and the burst"},
    {.name = "credits",
     .type = FIELD_ANY,
     .sentence = "must be an integer from 0 to " TO_TEXT(KEY_CREDITS_MAX) ", {\"add\": integer} or null",
     .check = check_credits,
     .at = offsetof(struct key_form, credits),
     .fallback = "null",
     .meaning = "prepaid credits; null: they are not counted",
     .schema = "{\"anyOf\": [{\"type\": \"integer\", \"minimum\": 0, \"maximum\": " TO_TEXT(
         KEY_CREDITS_MAX) "}, {\"type\": \"object\", \"properties\": {\"add\": {\"type\": \"integer\"}}, \"required\": "
                          "[\"add\"]}, {\"type\": \"null\"}]}"},
    {.name = "max_timeout",
     .type = FIELD_INTEGER,
     .least = 1,
     .most = KEY_TIMEOUT_MAX,
     .at = offsetof(struct key_form, max_timeout),
     .fallback = "null",
     .meaning = "the most that its requests may ask for, in seconds; null: the server's maximum"},
    {.name = "expires_at",
     .type = FIELD_TEXT,
     .sentence = "must be a time such as 2030-01-31T00:00:00Z or null",
     .check = check_time,
     .at = offsetof(struct key_form, expires_at),
     .fallback = "null",
     .meaning = "when it ends to count; null: never",
     .schema = FIELD_SCHEMA_TIME},
    {.name = "reuse",
     .type = FIELD_CHOICE,
     .choices = key_reuse_choices,
     .at = offsetof(struct key_form, reuse),
     .fallback = "null",
     .meaning = "whose programs may have run in the cells of its programs; null: as the server's setting says"},
};
const struct fields key_form_fields = FIELDS(key_form_list, sizeof(struct key_form));

static unsigned scopes_of(char *const *names)
{
    unsigned scopes = 0;

    for (; *names != NULL; names++)
        scopes |= key_scope_named(*names);
    return scopes;
}

/* The checks have succeeded. */
static void set_credits(struct key_change *change, const json_t *credits)
{
    bool adds = json_is_object(credits);

    change->parts |= adds ? KEY_PART_MORE_CREDITS : KEY_PART_CREDITS;
    (void)json_as_integer(adds ? json_object_get(credits, "add") : credits, adds ? &change->add : &change->to.credits);
}

static void set_parts(struct key_change *change, const struct key_form *body)
{
    if (body->name != NULL) {
        change->parts |= KEY_PART_NAME;
        text_copy(change->to.name, sizeof change->to.name, body->name);
    }
    if (body->scopes != NULL) {
        change->parts |= KEY_PART_SCOPES;
        change->to.scopes = scopes_of(body->scopes);
    }
    if (body->credits != NULL)
        set_credits(change, body->credits);
    if (body->expires_at != NULL)
        (void)text_parse_time(body->expires_at, &change->to.expires_ms);
    change->to.rate_per_minute = body->rate_per_minute;
    change->to.max_timeout = body->max_timeout;
    change->to.reuse = (enum key_reuse)body->reuse;
    change->parts |=
        (body->rate_per_minute != 0 ? KEY_PART_RATE : 0u) | (body->max_timeout != 0 ? KEY_PART_TIMEOUT : 0u) |
        (body->expires_at != NULL ? KEY_PART_EXPIRY : 0u) | (body->reuse != KEY_REUSE_INHERIT ? KEY_PART_REUSE : 0u);
}

/* The values that stand for null are those that a change has before set_parts(). */
static void set_nulls(struct key_change *change, const struct form *form)
{
    static const struct {
        const char *name;
        unsigned part;
    } nulls[] = {{"credits", KEY_PART_CREDITS},
                 {"max_timeout", KEY_PART_TIMEOUT},
                 {"expires_at", KEY_PART_EXPIRY},
                 {"reuse", KEY_PART_REUSE}};

    for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++)
        if (form_says_null(form, nulls[i].name))
            change->parts |= nulls[i].part;
}

int key_form_read(struct form *form, const struct http_exchange *ex, struct key_change *change, struct error *error)
{
    struct key_form body = {.reuse = KEY_REUSE_INHERIT};

    *change = (struct key_change){.to = {.credits = -1, .reuse = KEY_REUSE_INHERIT}};
    if (form_read(form, ex, &key_form_fields, &body, error) != 0)
        return -1;
    set_parts(change, &body);
    set_nulls(change, form);
    return 0;
}

int key_form_make(struct key *key, const struct key_change *change, struct error *error)
{
    if ((change->parts & KEY_PART_NAME) == 0)
        return error_set(error, ERROR_INVALID, "name: is required");
    if ((change->parts & KEY_PART_MORE_CREDITS) != 0)
        return error_set(error, ERROR_INVALID, "credits: a new key has none to which something can be added");
    return key_apply(key, change, error);
}
