#include "api/feed.h"

#include "api/execute_answer.h"
#include "api/files_answer.h"
#include "base/buf.h"
#include "run/outputs.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FEED_FILE 0 /* in the place of a channel */

/* A piece of output, or the JSON of a file that came back. Its number is that of the first one kept, and its place
 * among them. */
struct feed_entry {
    uint64_t at; /* its first byte, counted from the first of all */
    uint32_t len;
    uint8_t step, channel; /* FEED_FILE: a file */
};

struct feed {
    struct feeds *feeds;
    struct list node; /* among the live ones or the kept ones */
    int64_t key_row;
    char id[UUID_LEN + 1]; /* "": no event has come yet */
    struct list followers;
    struct run_pieces pieces;
    char *start; /* the JSON of the first event; NULL: it was not started */
    size_t start_len;
    struct buf entries; /* of struct feed_entry */
    struct buf data;    /* of these entries */
    size_t max;
    uint64_t first;               /* the number of the first entry that is kept */
    uint64_t next;                /* the number of the event to come */
    uint64_t dropped, total;      /* bytes */
    bool failed;                  /* there was no memory for some of it: it is lost */
    bool over;                    /* `answer` is the result */
    struct execute_answer answer; /* without its output */
    char *result;                 /* its JSON, made when it is first asked for */
    size_t result_len;
};

struct feeds {
    struct list live, kept; /* kept: the oldest first */
    struct list waiting;    /* followers without a feed */
    size_t kept_count, kept_bytes;
};

/* What the feeds hold. */

static size_t feed_size(const struct feed *feed)
{
    return sizeof *feed + feed->data.len + feed->entries.len + feed->answer.result.report.len;
}

static void feed_free(struct feed *feed)
{
    list_forget(&feed->node);
    free(feed->start);
    free(feed->result);
    buf_free(&feed->entries);
    buf_free(&feed->data);
    execute_answer_free(&feed->answer);
    free(feed);
}

static void feeds_forget(struct feeds *feeds, struct feed *feed)
{
    feeds->kept_count--;
    feeds->kept_bytes -= feed_size(feed);
    feed_free(feed);
}

/* Makes room. A feed that is being read stays. */
static void feeds_trim(struct feeds *feeds)
{
    LIST_EACH (node, &feeds->kept) {
        struct feed *feed = container_of(node, struct feed, node);
        if (feeds->kept_count <= FEEDS_KEPT_MAX && feeds->kept_bytes <= FEEDS_KEPT_BYTES)
            return;
        if (list_is_empty(&feed->followers))
            feeds_forget(feeds, feed);
    }
}

struct feeds *feeds_open(void)
{
    struct feeds *feeds = calloc(1, sizeof *feeds);

    if (feeds == NULL)
        return NULL;
    list_init(&feeds->live);
    list_init(&feeds->kept);
    list_init(&feeds->waiting);
    return feeds;
}

void feeds_free(struct feeds *feeds)
{
    if (feeds == NULL)
        return;
    LIST_EACH (node, &feeds->live)
        feed_free(container_of(node, struct feed, node));
    LIST_EACH (node, &feeds->kept)
        feed_free(container_of(node, struct feed, node));
    free(feeds);
}

/* Followers. */

static bool is_of(const struct feed *feed, const struct follower *follower)
{
    return feed->key_row == follower->key_row && strcasecmp(feed->id, follower->id) == 0;
}

static struct feed *find_feed(const struct list *feeds, const struct follower *follower)
{
    LIST_EACH (node, feeds) {
        struct feed *feed = container_of(node, struct feed, node);
        if (is_of(feed, follower))
            return feed;
    }
    return NULL;
}

void feeds_follow(struct feeds *feeds, struct follower *follower)
{
    struct feed *feed = find_feed(&feeds->live, follower);

    if (feed == NULL)
        feed = find_feed(&feeds->kept, follower);
    follower->feed = feed;
    list_push(feed != NULL ? &feed->followers : &feeds->waiting, &follower->node);
}

void feeds_unfollow(struct follower *follower)
{
    list_forget(&follower->node);
    follower->feed = NULL;
}

static void feed_wake(struct feed *feed)
{
    LIST_EACH (node, &feed->followers) {
        struct follower *follower = container_of(node, struct follower, node);
        follower->more(follower);
    }
}

/* The execution is known from now on. */
static void feed_name(struct feed *feed, const struct execution *execution)
{
    if (*feed->id != '\0')
        return;
    text_copy(feed->id, sizeof feed->id, execution_id(execution));
    LIST_EACH (node, &feed->feeds->waiting) {
        struct follower *follower = container_of(node, struct follower, node);
        if (!is_of(feed, follower))
            continue;
        list_remove(node);
        list_push(&feed->followers, node);
        follower->feed = feed;
    }
}

/* Writing. */

static struct feed_entry *entry_at(const struct feed *feed, size_t i)
{
    return (struct feed_entry *)(void *)feed->entries.data + i;
}

static size_t entry_count(const struct feed *feed)
{
    return feed->entries.len / sizeof(struct feed_entry);
}

/* Drops the oldest half, so that this is not done for each piece. */
static void feed_trim(struct feed *feed)
{
    size_t count = entry_count(feed), drop = 0, bytes = 0;

    if (feed->data.len + feed->entries.len <= feed->max)
        return;
    while (drop + 1 < count && bytes < feed->max / 2)
        bytes += entry_at(feed, drop++)->len + sizeof(struct feed_entry);
    if (drop == 0)
        return;
    size_t kept_from = (size_t)(entry_at(feed, drop)->at - feed->dropped);
    buf_consume(&feed->data, kept_from);
    buf_consume(&feed->entries, drop * sizeof(struct feed_entry));
    feed->dropped += kept_from;
    feed->first += drop;
}

static void feed_add(struct feed *feed, struct feed_entry entry, const char *data)
{
    if (feed->failed)
        return;
    entry.at = feed->total;
    if (data == NULL || buf_append(&feed->data, data, entry.len) != 0 ||
        buf_append(&feed->entries, &entry, sizeof entry) != 0) {
        feed->failed = true;
        return;
    }
    feed->total += entry.len;
    feed->next++;
    feed_trim(feed);
}

static void feed_on_piece(void *arg, const struct run_piece *piece)
{
    feed_add(arg,
             (struct feed_entry){
                 .len = (uint32_t)piece->len, .step = (uint8_t)piece->step, .channel = (uint8_t)piece->channel},
             piece->data);
}

static void feed_add_files(struct feed *feed, const struct outputs *outputs)
{
    for (size_t i = 0; outputs != NULL && i < outputs->files_len; i++) {
        size_t len = 0;
        char *text = run_events_file_text(outputs, i, FILES_TYPE, &len);

        feed_add(feed, (struct feed_entry){.len = (uint32_t)len, .channel = FEED_FILE}, text);
        free(text);
    }
}

struct feed *feed_new(struct feeds *feeds, int64_t key_row, size_t max)
{
    struct feed *feed = feeds != NULL ? calloc(1, sizeof *feed) : NULL;

    if (feed == NULL)
        return NULL;
    feed->feeds = feeds;
    feed->key_row = key_row;
    feed->max = max;
    feed->first = feed->next = 1;
    feed->pieces = (struct run_pieces){.piece = feed_on_piece, .arg = feed};
    buf_init(&feed->data, PTRDIFF_MAX); /* feed_trim() keeps it small */
    buf_init(&feed->entries, PTRDIFF_MAX);
    list_init(&feed->followers);
    list_push(&feeds->live, &feed->node);
    return feed;
}

void feed_start(struct feed *feed, const struct execution *execution)
{
    if (feed == NULL)
        return;
    feed->start = run_events_start_text(execution, &feed->start_len);
    feed->failed = feed->start == NULL;
    feed->first = feed->next = 2;
    feed_name(feed, execution);
    feed_wake(feed);
}

void feed_output(struct feed *feed, enum frame_step step, enum frame_channel channel, const uint8_t *data, size_t len)
{
    if (feed == NULL)
        return;
    run_pieces_add(&feed->pieces, step, channel, data, len);
    feed_wake(feed);
}

void feed_step_end(struct feed *feed, struct execution *execution, enum frame_step step)
{
    if (feed == NULL)
        return;
    run_pieces_end(&feed->pieces, step, execution_result(execution));
    feed_wake(feed);
}

void feed_over(struct feed *feed, struct execution *execution)
{
    if (feed == NULL)
        return;
    run_pieces_end(&feed->pieces, FRAME_STEP_COMPILE, execution_result(execution));
    run_pieces_end(&feed->pieces, FRAME_STEP_RUN, execution_result(execution));
    feed_add_files(feed, execution_result(execution)->outputs);
    feed->failed |= execute_answer_copy(&feed->answer, execution) != 0;
    feed->over = true;
    feed->next++;
    feed_name(feed, execution);
    list_remove(&feed->node);
    list_push(&feed->feeds->kept, &feed->node);
    feed->feeds->kept_count++;
    feed->feeds->kept_bytes += feed_size(feed);
    feed_wake(feed);
    feeds_trim(feed->feeds);
}

/* Its followers wait for the next run of the same execution. */
void feed_drop(struct feed *feed)
{
    if (feed == NULL)
        return;
    struct feeds *feeds = feed->feeds;
    struct list left;
    list_init(&left);
    LIST_EACH (node, &feed->followers) {
        list_remove(node);
        list_push(&left, node);
    }
    feed_free(feed);
    LIST_EACH (node, &left) {
        struct follower *follower = container_of(node, struct follower, node);
        list_remove(node);
        list_push(&feeds->waiting, node);
        follower->feed = NULL;
        follower->more(follower);
    }
}

/* Reading. */

uint64_t feed_newest(const struct feed *feed)
{
    return feed->next - 1;
}

static char *copy_of(const char *text, size_t len)
{
    char *copy = text != NULL ? malloc(len + 1) : NULL;

    if (copy == NULL)
        return NULL;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

static char *read_piece(const struct feed *feed, size_t i, struct feed_event *out)
{
    const struct feed_entry *entry = entry_at(feed, i);
    const struct run_piece piece = {.step = entry->step,
                                    .channel = entry->channel,
                                    .data = feed->data.data + (entry->at - feed->dropped),
                                    .len = entry->len};

    if (entry->channel == FEED_FILE) {
        out->name = "file";
        out->len = entry->len;
        return copy_of(piece.data, piece.len);
    }
    return run_events_piece_text(&piece, &out->name, &out->len);
}

static char *read_start(const struct feed *feed, struct feed_event *out)
{
    out->name = "start";
    out->len = feed->start_len;
    return copy_of(feed->start, feed->start_len);
}

static char *read_result(struct feed *feed, struct feed_event *out)
{
    if (feed->result == NULL)
        feed->result = run_events_result(&feed->answer, &feed->result_len);
    out->name = "result";
    out->len = feed->result_len;
    return copy_of(feed->result, feed->result_len);
}

static bool is_start(const struct feed *feed, uint64_t id)
{
    return id == 1 && feed->start != NULL;
}

static bool is_result(const struct feed *feed, uint64_t id)
{
    return feed->over && id == feed->next - 1;
}

enum feed_reading feed_look(const struct feed *feed, uint64_t last)
{
    uint64_t id = last + 1;

    if (feed->failed)
        return FEED_BROKEN;
    if (id >= feed->next)
        return feed->over ? FEED_ENDED : FEED_WAIT;
    return is_start(feed, id) || is_result(feed, id) || id >= feed->first ? FEED_EVENT : FEED_LOST;
}

enum feed_reading feed_read(struct feed *feed, uint64_t last, struct feed_event *out)
{
    enum feed_reading reading = feed_look(feed, last);

    if (reading != FEED_EVENT)
        return reading;
    out->id = last + 1;
    if (is_start(feed, out->id))
        out->json = read_start(feed, out);
    else if (is_result(feed, out->id))
        out->json = read_result(feed, out);
    else
        out->json = read_piece(feed, (size_t)(out->id - feed->first), out);
    return out->json != NULL ? FEED_EVENT : FEED_BROKEN;
}
