#include "api/admin_warnings.h"

#include "api/answers.h"
#include "base/buf.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define HOUR_MS 3600000
#define DISK_LEAST_PERCENT 10
#define DISK_LEAST_BYTES ((int64_t)1 << 30)
#define QUEUE_FULL_PERCENT 80
#define UNAVAILABLE "language.unavailable"

#define LOOK_AT_LOG "Look at the server's log. docs/debugging.md says how to read it."
#define LOOK_AT_DATABASE                                                                                               \
    "Look at the data directory: is its disk full, read-only or gone? docs/operations.md (When the database can't be " \
    "written) has the steps."
#define REPORT \
    "Once in a while that is harmless. If it happens often, look at the log's lines, and report them as an issue."

static const char *const levels[] = {"warning", "error", NULL};

static const struct field warning_list[] = {
    FIELD_OUT("id", FIELD_TEXT, "the kind; for what the log has said, its event"),
    FIELD_OUT("level", FIELD_CHOICE, NULL, .choices = levels),
    FIELD_OUT("text", FIELD_TEXT, "what is the matter"),
    FIELD_OUT("what_to_do", FIELD_TEXT, NULL),
    FIELD_OUT("detail", FIELD_TEXT, "more about the last one", .nullable = true),
    FIELD_OUT("count", FIELD_INTEGER, "how often since the server's start; null: it is so now", .nullable = true),
    FIELD_OUT("since", FIELD_TEXT, "the first time", .nullable = true, .schema = FIELD_SCHEMA_TIME),
    FIELD_OUT("last", FIELD_TEXT, "the last time", .nullable = true, .schema = FIELD_SCHEMA_TIME),
};
const struct fields admin_warning_fields = FIELDS(warning_list, 0);

/* What the log may warn of. */

struct event_row {
    const char *event;
    bool stays; /* shown as long as the server runs; else for an hour after the last time */
    const char *text, *what_to_do;
};

static const struct event_row events[] = {
    /* The host and the settings, known at the start. */
    {"host.cores", true, "A program that crashes makes the kernel connect to a socket of the host.",
     "Run: sysctl -w kernel.core_pattern=core (and set it in /etc/sysctl.d)."},
    {"host.no_apparmor", true, "The engine's host has neither AppArmor nor SELinux, a further wall around programs.",
     "Enable AppArmor on the engine's host (docs/engines.md), or accept it: docs/security.md has the other walls."},
    {"connections.fewer", true, "The process may open too few files for CODECELL_MAX_CONNECTIONS.",
     "Raise the limit (ulimit -n, LimitNOFILE, or ulimits in compose.yaml) and restart."},
    {"data_dir.restricted", true, "Other users could read the data directory. The server has closed it (mode 0700).",
     "Nothing. If others may have read it, revoke its keys and make new ones."},
    {"language.broken", true, "A language's folder has a mistake, so the language is left out.",
     "Correct the file that the detail names, and restart. images/check ID checks a language."},
    {"isolation.chosen", true, "Programs are parted by containers alone, because the host cannot make capsules.",
     "docs/engines.md says for each reason what the host needs. Or set CODECELL_ISOLATION=container on purpose."},
    {"records.not_marked", true, "Executions that the last run left open could not be marked as lost.",
     LOOK_AT_DATABASE},
    {"records.lost", false, "The server ended before some executions did. They are marked as lost.",
     "Find out why it ended (its log, the kernel's log). Their clients may send them again."},
    {"credits.given_back", false, "Credits of executions that the last run left open were given back.", "Nothing."},
    {"journal.recovered", false, "Executions in the background that the last run left are run again.", "Nothing."},

    /* Languages and cells. */
    {"language.command_failed", false, "A command that tells a language's version or packages failed in its image.",
     "Build the image again: images/build ID. images/check ID shows what is wrong with it."},
    {"language.facts_not_saved", false, "What an image says of itself could not be saved.", LOOK_AT_DATABASE},
    {"cell.failed", false, "A cell could not be made.",
     "Look at the reason. The engine may lack memory, disk or processes, or the image is broken (images/check ID)."},
    {"cell.died", false, "An idle cell ended by itself.",
     "Look for a lack of memory on the engine's host (dmesg), or for somebody who removes containers."},
    {"cell.not_reset", false, "A cell could not be reset after a program, and was removed.", REPORT},
    {"cell.prewarm_failed", false, "A cell could not be prewarmed, so its programs start slower.",
     "Build the language's image again: images/build ID."},
    {"agent.volume_failed", false, "The volume with the agent could not be filled, so no cell can be made.",
     "Look at the reason, and at the engine's disk."},
    {"reaper.failed", false, "Containers that were left over could not be removed.",
     "Look at the reason, and list them: docker ps -a --filter label=io.codecell.instance"},
    {"engine.down", false, "The container engine was away.",
     "If it happens again: look at the engine's log (journalctl -u docker), its memory and its updates."},

    /* Load. */
    {"queue.full", false, "Requests were turned away because the queue was full.",
     "Raise CODECELL_CONCURRENCY if the machine has room, or CODECELL_QUEUE, or lower the rates of keys."},
    {"server.drain_forced", false, "The server shuts down and ends what still runs.", "Nothing."},

    /* The database. */
    {"database.unusable", false, "Records could not be written for a while.", LOOK_AT_DATABASE},
    {"database.usable", false, "Records can be written again.", "Nothing, if the cause is known."},
    {"database.job_failed", false, "A request to the database failed.", LOOK_AT_DATABASE},
    {"record.failed", false, "The record of an execution could not be written.", LOOK_AT_DATABASE},
    {"records.written_late", false, "Records that had to wait for the database are written now.", "Nothing."},
    {"records.unwritten", false, "Records were lost, because the database did not come back.", LOOK_AT_DATABASE},
    {"journal.failed", false, "What runs in the background could not be read or written.", LOOK_AT_DATABASE},

    /* Workspaces. */
    {"workspace.missing", true, "The stored file of a workspace is missing.",
     "Put the file back from a backup, or let its key make the session anew."},
    {"workspace.broken", true, "The stored file of a workspace is damaged. It was kept aside.",
     "Put the file back from a backup, and look at the disk."},
    {"workspace.kept_aside", true, "A file that belongs to no workspace was kept aside.",
     "Remove it if nobody misses it."},
    {"workspace.lost", false, "A workspace was lost.", "Look at the reason. Its session can be made anew."},
    {"workspace.not_saved", false, "A workspace could not be saved.", LOOK_AT_DATABASE},
    {"workspace.not_removed", false, "The file of a removed workspace could not be removed.", LOOK_AT_DATABASE},
    {"workspaces.not_checked", true, "The stored workspaces could not be checked at the start.", LOOK_AT_DATABASE},
    {"workspaces.not_saved", false, "There was no time to save all workspaces at the end.",
     "Give the server more time to stop."},

    /* Others. */
    {"webhook.failed", false, "A webhook could not be delivered. It is tried again for a while.",
     "Tell the key's owner. CODECELL_WEBHOOK_ALLOW must name networks of your own."},
    {"payment.doubtful", true, "It is not known whether a payment was taken.",
     "Ask the facilitator about the payment: docs/faces/agent402.md."},
    {"http.error", false, "A request was answered with an internal error.",
     "That is a fault of the server. Report it as an issue, with the log's line of this event."},
    {"server.failed", true, "The server could not start.", LOOK_AT_LOG},
};

static const struct event_row *row_of(const char *event)
{
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        if (strcmp(events[i].event, event) == 0)
            return &events[i];
    return NULL;
}

bool admin_warnings_know(const char *event)
{
    return row_of(event) != NULL || strcmp(event, UNAVAILABLE) == 0;
}

/* Making the list. */

struct warning {
    const char *id;
    bool failure;
    const char *text, *what_to_do, *detail; /* detail NULL: none; any bytes */
    const struct notice *notice;            /* NULL: it is so now */
};

static json_t *detail_json(const char *detail)
{
    struct buf clean;
    json_t *text = NULL;

    if (detail == NULL || *detail == '\0')
        return json_null();
    buf_init(&clean, 3 * NOTICE_DETAIL_MAX + 1);
    if (text_utf8_clean(&clean, detail, strnlen(detail, NOTICE_DETAIL_MAX), true) == 0)
        text = json_stringn(clean.data != NULL ? clean.data : "", clean.len);
    buf_free(&clean);
    return text != NULL ? text : json_null();
}

static void warn(json_t *list, const struct warning *warning)
{
    const struct notice *notice = warning->notice;
    json_t *object = json_object();

    json_object_set_new(object, "id", json_string(warning->id));
    json_object_set_new(object, "level", json_string(levels[warning->failure ? 1 : 0]));
    json_object_set_new(object, "text", json_string(warning->text));
    json_object_set_new(object, "what_to_do", json_string(warning->what_to_do));
    json_object_set_new(object, "detail", detail_json(warning->detail));
    json_object_set_new(object, "count", notice != NULL ? json_integer((json_int_t)notice->count) : json_null());
    json_object_set_new(object, "since", notice != NULL ? api_time(notice->first_ms) : json_null());
    json_object_set_new(object, "last", notice != NULL ? api_time(notice->last_ms) : json_null());
    json_array_append_new(list, object);
}

static void warn_of_failures(json_t *list, const struct admin_facts *facts)
{
    if (facts->database_fails)
        warn(list, &(struct warning){.id = "database",
                                     .failure = true,
                                     .text = "Records cannot be written, so no program is run.",
                                     .what_to_do = LOOK_AT_DATABASE,
                                     .detail = facts->database_reason});
    if (!facts->engine_up)
        warn(list, &(struct warning){.id = "engine",
                                     .failure = true,
                                     .text = "The container engine does not answer, so no program is run.",
                                     .what_to_do = "Start it (systemctl start docker), or correct DOCKER_HOST. The "
                                                   "server goes on by itself when it is back."});
    else if (!facts->can_run)
        warn(list, &(struct warning){.id = "cells",
                                     .failure = true,
                                     .text = "The engine answers, but no cell can be made yet.",
                                     .what_to_do = "Wait a moment. If it stays so, the warnings below say why."});
    if (!facts->any_language)
        warn(list, &(struct warning){.id = "languages",
                                     .failure = true,
                                     .text = "No language can run.",
                                     .what_to_do = "Build images (images/build), or see whether the engine has them."});
    if (facts->draining)
        warn(list, &(struct warning){.id = "draining",
                                     .text = "The server shuts down and takes no new work.",
                                     .what_to_do = "Nothing, if somebody stopped it on purpose."});
}

static bool disk_is_low(const struct admin_facts *facts)
{
    return facts->disk_free >= 0 && facts->disk_free < DISK_LEAST_BYTES * 10 &&
           (facts->disk_free < DISK_LEAST_BYTES || facts->disk_free < facts->disk_total / 100 * DISK_LEAST_PERCENT);
}

static void warn_of_state(json_t *list, const struct admin_facts *facts)
{
    if (facts->isolation_chosen && facts->isolation_lacks)
        warn(list, &(struct warning){.id = "isolation.chosen",
                                     .text = row_of("isolation.chosen")->text,
                                     .what_to_do = row_of("isolation.chosen")->what_to_do,
                                     .detail = facts->isolation_reason});
    if (disk_is_low(facts))
        warn(list, &(struct warning){.id = "disk",
                                     .text = "The disk of the data directory is nearly full.",
                                     .what_to_do = "Make room, or keep records for a shorter time "
                                                   "(CODECELL_RETENTION). The database fails on a full disk."});
    if (facts->queue_max > 0 && (uint64_t)facts->queued * 100 >= (uint64_t)facts->queue_max * QUEUE_FULL_PERCENT)
        warn(list, &(struct warning){.id = "queue",
                                     .text = "The queue is nearly full. Further requests will be turned away.",
                                     .what_to_do = row_of("queue.full")->what_to_do});
    if (facts->data_dir_open)
        warn(list, &(struct warning){.id = "data_dir",
                                     .text = "Other users of the machine may read the data directory.",
                                     .what_to_do = "Its owner should close it: chmod 0700."});
}

static void warn_of_languages(json_t *list, const struct admin_facts *facts)
{
    for (size_t i = 0; i < facts->languages_len; i++) {
        const struct admin_language *language = &facts->languages[i];
        char detail[NOTICE_DETAIL_MAX + 1];
        snprintf(detail, sizeof detail, "language=%s, image=%s, reason=%s", language->language, language->image,
                 language->reason);
        warn(list, &(struct warning){.id = UNAVAILABLE,
                                     .text = "A language is not offered, because its image is not usable.",
                                     .what_to_do = "Build its image again: images/build ID. An image of an older "
                                                   "Codecell must be built again.",
                                     .detail = detail});
    }
}

/* Events that only repeat what is told of the state. */
static bool is_told(const char *event)
{
    return strcmp(event, "isolation.chosen") == 0 || strcmp(event, UNAVAILABLE) == 0;
}

/* What is over is told for an hour. */
static void warn_of_notice(json_t *list, const struct notice *notice, int64_t now_ms)
{
    const struct event_row *row = row_of(notice->event);

    if (is_told(notice->event) || ((row == NULL || !row->stays) && notice->last_ms < now_ms - HOUR_MS))
        return;
    warn(list, &(struct warning){.id = notice->event,
                                 .failure = notice->failure,
                                 .text = row != NULL ? row->text : "The log has a warning.",
                                 .what_to_do = row != NULL ? row->what_to_do : LOOK_AT_LOG,
                                 .detail = notice->detail,
                                 .notice = notice});
}

json_t *admin_warnings(const struct admin_facts *facts, int64_t now_ms)
{
    json_t *list = json_array();

    if (list == NULL)
        return NULL;
    warn_of_failures(list, facts);
    warn_of_state(list, facts);
    warn_of_languages(list, facts);
    for (int failures = 1; failures >= 0; failures--)
        for (size_t i = 0; i < facts->notices_len; i++)
            if (facts->notices[i].failure == (failures == 1))
                warn_of_notice(list, &facts->notices[i], now_ms);
    return list;
}
