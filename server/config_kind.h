/* What the value of a setting may be: for the table of the settings in config.c, and for the options of the
 * command line that are numbers. */
#ifndef CODECELL_CONFIG_KIND_H
#define CODECELL_CONFIG_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHOWN_MAX 256 /* bytes of a description or a number as shown */

struct config;
struct kind;

struct setting {
    const char *name;
    const struct kind *kind;
    size_t offset, size;                     /* of the field in struct config */
    int64_t min, max;                        /* of the number, or of the text's length in bytes */
    const char *fallback;                    /* the default as text; NULL: `computed` */
    void (*computed)(struct config *config); /* sets the field to a default that the machine decides */
    const char *computed_is;                 /* how the documentation says it */
    const char *const *choices;              /* of kind_choice; the index is the value; NULL after the last */
    const char *help;                        /* a sentence or two */
};

/* A kind either checks a text, which is kept as it is (char *), or parses a number (int64_t, int or bool). */
struct kind {
    bool (*check)(const struct setting *setting, const char *text);
    bool (*parse)(const struct setting *setting, const char *text, int64_t *value);
    void (*describe)(const struct setting *setting, char out[SHOWN_MAX]); /* what follows "must be" */
    void (*show)(const struct setting *setting, int64_t value, char out[SHOWN_MAX]);
};

extern const struct kind kind_path, kind_folders, kind_secret, kind_items, kind_name, kind_listen, kind_host, kind_pool,
    kind_nets, kind_url, kind_origins;
extern const struct kind kind_integer;  /* within min and max, as the next three */
extern const struct kind kind_size;     /* bytes, or with k, m or g */
extern const struct kind kind_duration; /* seconds, or with s, m, h or d */
extern const struct kind kind_cpu;      /* cores; kept in thousandths */
extern const struct kind kind_choice;
extern const struct kind kind_flag; /* any text but the empty one is yes */

#endif
