/* The agent's input: bytes become frames, frames become a job, and its files are written. Each frame also goes through
 * the readers of the agent's own payloads, which the server trusts as little. */
#include "docker/agent/files.h"
#include "docker/agent/inlet.h"
#include "docker/agent/job.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/dev/shm/codecell-fuzz-XXXXXX";
static int folder_fd;
static struct inlet inlet;
static struct job jobs[2], *job; /* what was prepared stays; then comes the job itself */

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    return where->level == 0 ? 0 : remove(path);
}

static void empty_folder(void)
{
    if (nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
        abort();
}

static void remove_folder(void)
{
    empty_folder();
    rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    if (!mkdtemp(folder))
        abort();
    folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    atexit(remove_folder);
    return folder_fd < 0 ? 1 : 0;
}

/* What must hold of a job that is complete, or of the one step that is prepared. */
static void check_job(void)
{
    const struct job_step *step = job->phase == JOB_PREPARED && job->compile.present ? &job->compile : &job->run;
    if (!step->present || !step->argv[0] || step->argv[0][0] == '\0' || step->spec.timeout_ms == 0)
        abort();
    if (job->phase == JOB_PREPARED && job->compile.present == job->run.present)
        abort();
    if (step->spec.kernel && (job->phase == JOB_PREPARED || job->compile.present || step->spec.size.columns > 0))
        abort();
    for (char **variable = job->envp; *variable; variable++) /* each has a name */
        if (strcspn(*variable, "=") == 0 || !strchr(*variable, '='))
            abort();
}

static void open_job(enum job_turn turn)
{
    job = &jobs[turn == JOB_FIRST ? 0 : 1];
    job_open(job, folder_fd, turn);
}

/* What a payload's reader accepts, its writer writes back. STEP_END has four bytes that its reader skips. */
static void check_payload(const struct frame *frame)
{
    uint8_t bytes[FRAME_STEP_END_SIZE];
    struct frame_step_end end;
    struct frame_prepared prepared;
    struct frame_failed failed;
    struct frame_ready ready;
    struct frame_open open;
    struct frame_done done;
    struct frame_size size;
    uint32_t number;
    if (frame_step_end_get(frame, &end)) {
        frame_step_end_put(bytes, &end);
        if (memcmp(bytes, frame->payload, 12) != 0 || memcmp(bytes + 16, frame->payload + 16, 24) != 0)
            abort();
    }
    if (frame_prepared_get(frame, &prepared)) {
        frame_prepared_put(bytes, &prepared);
        if (memcmp(bytes, frame->payload, FRAME_PREPARED_SIZE) != 0)
            abort();
    }
    if (frame_failed_get(frame, &failed)) {
        frame_failed_put(bytes, &failed);
        if (memcmp(bytes, frame->payload, FRAME_FAILED_SIZE) != 0)
            abort();
    }
    if (frame_ready_get(frame, &ready)) {
        frame_ready_put(bytes, &ready);
        if (memcmp(bytes, frame->payload, FRAME_READY_SIZE) != 0)
            abort();
    }
    if (frame_signal_get(frame, &number)) {
        frame_signal_put(bytes, number);
        if (memcmp(bytes, frame->payload, FRAME_SIGNAL_SIZE) != 0)
            abort();
    }
    if (frame_resize_get(frame, &size)) {
        frame_resize_put(bytes, &size);
        if (memcmp(bytes, frame->payload, FRAME_RESIZE_SIZE) != 0)
            abort();
    }
    if (frame_done_get(frame, &done)) {
        frame_done_put(bytes, &done);
        if (memcmp(bytes, frame->payload, FRAME_DONE_SIZE) != 0)
            abort();
    }
    if (frame_open_get(frame, &open)) {
        frame_open_put(bytes, &open);
        if (memcmp(bytes, frame->payload, FRAME_OPEN_SIZE) != 0)
            abort();
    }
}

/* Takes frames as the agent does, up to START. */
static bool take_frames(void)
{
    struct frame frame;
    int found = 0;
    while (job->phase != JOB_STARTED && (found = inlet_peek(&inlet, &frame)) > 0) {
        check_payload(&frame);
        if (!job_take(job, &frame))
            return false;
        inlet_take(&inlet, &frame);
        if (job->phase < JOB_STARTED)
            continue;
        check_job();
        if (job->phase == JOB_PREPARED && job->files_len == 0 && job == &jobs[0])
            open_job(JOB_PREPARED_FOR);
        else if (job->phase != JOB_STARTED)
            abort();
    }
    return found >= 0 && job->phase != JOB_STARTED;
}

/* The first byte says how large the pieces are in which the rest comes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int pair[2];
    size_t piece = size > 0 ? 1 + 64u * data[0] : 1;
    if (pipe(pair) < 0)
        abort();
    inlet_clear(&inlet);
    open_job(JOB_FIRST);
    for (size_t at = 1; at < size; at += piece) {
        size_t len = size - at < piece ? size - at : piece;
        if (write(pair[1], data + at, len) != (ssize_t)len || inlet_read(&inlet, pair[0]) < 0 || !take_frames())
            break;
    }
    if (job->file >= 0)
        close(job->file);
    if (job->files_len > 0)
        empty_folder();
    close(pair[0]);
    close(pair[1]);
    return 0;
}
