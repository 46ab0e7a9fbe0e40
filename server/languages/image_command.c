#include "languages/image_command.h"

#include "base/container_of.h"

static void image_command_finish(struct image_command *command)
{
    if (command->cell != NULL)
        cell_end(command->cell);
    command->cell = NULL;
    command->under_way = false;
    command->done(command);
}

static void image_command_on_output(void *arg, enum frame_step step, enum frame_channel channel, const uint8_t *data,
                                    size_t len)
{
    struct image_command *command = arg;
    size_t room = command->output.max - command->output.len;

    (void)step, (void)channel;
    (void)buf_append(&command->output, data, len < room ? len : room); /* what does not fit is dropped */
}

static void image_command_on_step_end(void *arg, enum frame_step step, const struct frame_step_end *end)
{
    struct image_command *command = arg;

    (void)step;
    command->exit_code = (int)end->exit_code;
}

static void on_done(void *arg, enum cell_outcome outcome)
{
    struct image_command *command = arg;

    if (outcome != CELL_DONE)
        command->exit_code = -1;
    image_command_finish(command);
}

static const struct cell_events events = {
    .on_output = image_command_on_output, .on_step_end = image_command_on_step_end, .on_done = on_done};

static void image_command_on_cell(struct pool_request *request, struct cell *cell, const struct error *error)
{
    struct image_command *command = container_of(request, struct image_command, cell_request);

    (void)error; /* the pool has logged it */
    command->cell = cell;
    if (cell == NULL)
        image_command_finish(command);
    else
        cell_run(cell, &command->job, NULL, &events, command);
}

void image_command_run(struct image_command *command, struct pool *pool, const struct language_version *version,
                       char **argv, void (*done)(struct image_command *command), void *arg)
{
    *command = (struct image_command){.pool = pool,
                                      .version = version,
                                      .cell_request = {.kind = &version->kind,
                                                       .limits = version->kind.limits,
                                                       .own = true,
                                                       .on_cell = image_command_on_cell},
                                      .job = {.env = (const char *const *)version->env,
                                              .run = {.argv = (const char *const *)argv,
                                                      .timeout_ms = IMAGE_COMMAND_TIMEOUT_MS,
                                                      .output_max = IMAGE_COMMAND_OUTPUT_MAX}},
                                      .exit_code = -1,
                                      .under_way = true,
                                      .done = done,
                                      .arg = arg};
    buf_init(&command->output, IMAGE_COMMAND_OUTPUT_MAX);
    pool_take(pool, &command->cell_request);
}

void image_command_cancel(struct image_command *command)
{
    if (!command->under_way)
        return;
    command->under_way = false;
    if (command->cell != NULL)
        cell_end(command->cell);
    else
        pool_cancel(command->pool, &command->cell_request);
    command->cell = NULL;
}

void image_command_free(struct image_command *command)
{
    buf_free(&command->output);
}
