#include "docker/engine/codec_read.h"

#include <string.h>

/* A field of another type reads as its zero value, and so does a field of a value that is not an object. */

static const char *field_text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));

    return value != NULL ? value : "";
}

static int64_t field_number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static bool field_truth(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

/* An id becomes part of a path, so it must not contain "/", "?" or "%", nor begin with ".". */
static bool usable_id(const char *id)
{
    static const char safe[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-";
    size_t len = strspn(id, safe);

    return len > 0 && len <= CODEC_ID_MAX && id[len] == '\0' && id[0] != '.';
}

const char *codec_created_id(const json_t *reply)
{
    const char *id = field_text(reply, "Id");

    return usable_id(id) ? id : NULL;
}

int codec_state(const json_t *reply, struct container_state *out)
{
    const json_t *state = json_object_get(reply, "State");

    if (!json_is_object(state))
        return -1;
    *out = (struct container_state){
        .running = field_truth(state, "Running"),
        .dead = field_truth(state, "Dead") || strcmp(field_text(state, "Status"), "exited") == 0,
        .oom_killed = field_truth(state, "OOMKilled"),
        .exit_code = field_number(state, "ExitCode"),
        .pid = field_number(state, "Pid"),
        .error = field_text(state, "Error"),
        .started = field_text(state, "StartedAt"),
    };
    return 0;
}

long codec_containers(const json_t *reply, codec_container_seen *seen, void *arg)
{
    size_t index;
    json_t *item;
    long count = 0;

    if (!json_is_array(reply))
        return -1;
    json_array_foreach (reply, index, item) {
        struct container_entry entry = {.id = field_text(item, "Id"),
                                        .state = field_text(item, "State"),
                                        .created_s = field_number(item, "Created"),
                                        .labels = json_object_get(item, "Labels")};
        if (!usable_id(entry.id))
            continue;
        seen(arg, &entry);
        count++;
    }
    return count;
}

const char *codec_label(const struct container_entry *entry, const char *name)
{
    return json_string_value(json_object_get(entry->labels, name));
}

int codec_image(const json_t *reply, struct image_info *out)
{
    const json_t *config = json_object_get(reply, "Config");
    const char *id = field_text(reply, "Id");

    if (id[0] == '\0' || strlen(id) > CODEC_ID_MAX)
        return -1;
    *out = (struct image_info){.id = id,
                               .volumes = json_object_size(json_object_get(config, "Volumes")),
                               .arch = field_text(reply, "Architecture"),
                               .size = field_number(reply, "Size"),
                               .labels = json_object_get(config, "Labels"),
                               .layers = json_object_get(json_object_get(reply, "RootFS"), "Layers"),
                               .env = json_object_get(config, "Env")};
    return 0;
}

int codec_info(const json_t *reply, struct engine_info *out)
{
    const json_t *runtimes = json_object_get(reply, "Runtimes");

    *out = (struct engine_info){.runtimes = json_is_object(runtimes) ? runtimes : NULL,
                                .default_runtime = field_text(reply, "DefaultRuntime")};
    return json_is_object(reply) ? 0 : -1;
}
