#include "run/outputs.h"

#include "base/text.h"
#include "docker/cell/cells.h"
#include "run/evaluation.h"
#include "run/request_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 62u               /* of a pattern (docker/agent/glob.h) */
#define COMPILED_FOLDER ".compiled" /* of images that compile into the working folder */
#define SKIPS_MAX 16u
#define SENTENCE_PATH_MAX 400 /* bytes of a path in a warning */

bool outputs_pattern_ok(const char *pattern)
{
    size_t names = 1;

    for (const char *at = pattern; *at != '\0'; at++)
        names += *at == '/';
    return names <= NAMES_MAX && request_path_is_safe(pattern);
}

uint64_t outputs_most(const struct execution_request *request)
{
    uint64_t most = (uint64_t)request->limits.output_kb * 4 << 10;

    return most > OUTPUTS_BYTES_LEAST ? most : OUTPUTS_BYTES_LEAST;
}

/* The job. */

/* Whether a word of a command names what a compiler made of the program: "main.res.mjs" of "main.res". */
static bool is_made_of(const char *word, const char *file)
{
    size_t stem = strcspn(file, ".");

    return strchr(word, '/') == NULL && strncmp(word, file, stem) == 0 && word[stem] == '.';
}

/* The program's own files. Returns how many. */
static size_t list_skips(const struct execution_request *request, const char *skips[SKIPS_MAX])
{
    size_t count = 0;

    skips[count++] = request->language->file;
    skips[count++] = COMPILED_FOLDER;
    skips[count++] = EVALUATION_KEY_FILE;
    for (char *const *word = request->version->compile != NULL ? request->version->run : NULL;
         word != NULL && *word != NULL && count < SKIPS_MAX; word++)
        if (is_made_of(*word, request->language->file))
            skips[count++] = *word;
    return count;
}

static size_t count_outputs(const struct execution_request *request)
{
    size_t count = 0;

    while (request->outputs[count] != NULL)
        count++;
    return count;
}

static int build_argv(struct outputs *outputs, const struct execution_request *request)
{
    const char *skips[SKIPS_MAX];
    size_t skips_len = list_skips(request, skips), patterns_len = count_outputs(request), at = 0;
    const char **argv = arena_alloc(&outputs->arena, (skips_len + patterns_len + 7) * sizeof *argv);

    if (argv == NULL)
        return -1;
    argv[at++] = CELL_AGENT_PATH;
    argv[at++] = "files";
    argv[at++] = "collect";
    argv[at++] = arena_printf(&outputs->arena, "%llu", (unsigned long long)outputs_most(request));
    argv[at++] = arena_printf(&outputs->arena, "%u", OUTPUTS_FILES_MAX);
    argv[at++] = arena_printf(&outputs->arena, "%zu", skips_len);
    for (size_t i = 0; i < skips_len; i++)
        argv[at++] = skips[i];
    for (size_t i = 0; i < patterns_len; i++)
        argv[at++] = request->outputs[i];
    outputs->argv = argv;
    return argv[3] != NULL && argv[4] != NULL && argv[5] != NULL ? 0 : -1;
}

struct outputs *outputs_new(const struct execution_request *request)
{
    static const char *const no_env[] = {NULL};
    struct outputs *outputs = calloc(1, sizeof *outputs);

    if (outputs == NULL)
        return NULL;
    buf_init(&outputs->bytes, outputs_most(request));
    if (build_argv(outputs, request) != 0) {
        outputs_free(outputs);
        return NULL;
    }
    outputs->job = (struct cell_job){
        .env = no_env,
        .run = {.argv = outputs->argv, .timeout_ms = OUTPUTS_MS, .output_max = 2 * outputs_most(request)}};
    return outputs;
}

void outputs_free(struct outputs *outputs)
{
    if (outputs == NULL)
        return;
    buf_free(&outputs->bytes);
    arena_free(&outputs->arena);
    free(outputs);
}

/* What comes. */

/* A warning about a path, in UTF-8. */
static void warn_of(struct execution_request *request, const char *format, const char *path, size_t len, uint64_t size)
{
    struct buf clean;

    buf_init(&clean, 3 * len + 1);
    if (text_utf8_clean(&clean, path, len, false) == 0 && buf_append(&clean, "", 1) == 0)
        (void)request_warn(request, format, text_cut_utf8(clean.data, SENTENCE_PATH_MAX), clean.data,
                           (unsigned long long)size);
    buf_free(&clean);
}

static void begin_file(struct outputs *outputs, const struct entry *entry)
{
    if (outputs->files_len == OUTPUTS_FILES_MAX) {
        outputs->broken = true;
        return;
    }
    const char *path = arena_text(&outputs->arena, entry->path, entry->path_len);
    outputs->no_memory |= path == NULL;
    outputs->files[outputs->files_len++] = (struct output_file){.path = path, .at = outputs->bytes.len};
    outputs->open = true;
}

static void take_entry(struct outputs *outputs, struct execution_request *request, const struct entry *entry)
{
    if (entry->content == ENTRY_BYTES)
        begin_file(outputs, entry);
    else if (entry->content == ENTRY_UNREADABLE)
        warn_of(request, "outputs: \"%.*s\" of %llu bytes cannot be read, because its mode forbids it", entry->path,
                entry->path_len, entry->size);
    else
        warn_of(request, "outputs: \"%.*s\" of %llu bytes is left out, because it is over the limit of all files",
                entry->path, entry->path_len, entry->size);
}

static void take_data(struct outputs *outputs, const uint8_t *data, size_t len)
{
    if (len > outputs->bytes.max - outputs->bytes.len) {
        outputs->broken = true;
        return;
    }
    outputs->no_memory |= buf_append(&outputs->bytes, data, len) != 0;
    outputs->files[outputs->files_len - 1].len += len;
}

static void take_event(struct outputs *outputs, struct execution_request *request, enum entry_event event,
                       const struct entry_piece *piece)
{
    if (event == ENTRY_NEXT) {
        take_entry(outputs, request, &piece->entry);
    } else if (event == ENTRY_DATA) {
        take_data(outputs, piece->data, piece->data_len);
    } else if (event == ENTRY_DATA_END) {
        outputs->open = false;
    } else if (event == ENTRY_STREAM_END) {
        outputs->ended = true;
        outputs->end = piece->end;
    } else {
        outputs->broken = true;
    }
}

void outputs_take(struct outputs *outputs, struct execution_request *request, const uint8_t *data, size_t len)
{
    struct entry_piece piece;
    enum entry_event event;

    while (!outputs->broken && !outputs->no_memory &&
           (event = entry_read(&outputs->reader, &data, &len, &piece)) != ENTRY_MORE)
        take_event(outputs, request, event, &piece);
}

/* The end. */

static void warn_of_none(const struct outputs *outputs, struct execution_request *request)
{
    for (size_t i = 0; request->outputs[i] != NULL; i++)
        if ((outputs->end.marks >> i & 1) == 0)
            warn_of(request, "outputs: nothing matches \"%.*s\"", request->outputs[i], strlen(request->outputs[i]), 0);
    if (outputs->end.marks >> 32 != 0)
        (void)request_warn(request, "outputs: %u more files match; at most %u come back",
                           (unsigned)(outputs->end.marks >> 32), OUTPUTS_FILES_MAX);
}

/* Why files are missing; NULL: none is. */
static const char *what_failed(const struct outputs *outputs, enum cell_outcome outcome)
{
    if (outputs->no_memory)
        return "the server is out of memory";
    if (outcome != CELL_DONE || outputs->broken)
        return "the container ended or broke the rules";
    if (outputs->late)
        return "that took more than 10 seconds";
    return outputs->ended && outputs->end.exit == FILE_DONE ? NULL : "the working folder cannot be read";
}

void outputs_finish(struct outputs *outputs, struct execution_request *request, enum cell_outcome outcome)
{
    const char *failure = what_failed(outputs, outcome);

    if (outputs->open)
        outputs->files_len--;
    outputs->open = false;
    if (outputs->broken || outputs->no_memory)
        outputs->files_len = 0;
    if (failure == NULL)
        warn_of_none(outputs, request);
    else
        (void)request_warn(request, "outputs: not all files come back, because %s", failure);
}
