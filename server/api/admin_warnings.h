/* What an operator should know, and what to do about it: the state of the server now, and what its log has warned of
 * (base/notices.h). Pure: the state and the time are passed in. */
#ifndef CODECELL_API_ADMIN_WARNINGS_H
#define CODECELL_API_ADMIN_WARNINGS_H

#include "base/fields.h"
#include "base/notices.h"

#include <jansson.h>

#define ADMIN_LANGUAGES_MAX 20

/* A language whose image is there, but not usable. */
struct admin_language {
    const char *language, *image, *reason;
};

struct admin_facts {
    bool database_fails, engine_up, can_run, any_language, draining;
    bool isolation_chosen, isolation_lacks; /* lacks: capsules are asked for, and not used */
    const char *isolation_reason;           /* NULL: none */
    const char *database_reason;            /* with database_fails */
    unsigned queued, queue_max;
    int64_t disk_free, disk_total; /* bytes, of the data directory's file system; -1: not known */
    bool data_dir_open;            /* other users of the machine may read the data directory */
    struct admin_language languages[ADMIN_LANGUAGES_MAX];
    size_t languages_len;
    struct notice notices[NOTICES_MAX];
    size_t notices_len;
};

/* A list of warnings, the most urgent first; a new reference. NULL: out of memory. */
json_t *admin_warnings(const struct admin_facts *facts, int64_t now_ms);

/* Whether the table says something about this event of the log. */
bool admin_warnings_know(const char *event);

extern const struct fields admin_warning_fields; /* what each of them holds, for documents */

#endif
