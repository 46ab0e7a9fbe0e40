/* What an image says about itself. The label is written when the image is built (images/lib/facts.py):
 *
 *   io.codecell.facts = {"layers": ["sha256:…"], "env": ["PATH=…"],
 *                        "answers": [{"argv": ["/usr/bin/python3", "--version"], "env": {"LANG": "C.UTF-8"},
 *                                     "output": "Python 3.13.5\n"}]}
 *
 * It holds the whole output of each command, and which image printed it, because an image made from this one inherits
 * the label. A command that was changed later is not among the answers. Pure functions. */
#ifndef CODECELL_LANGUAGES_IMAGE_LABEL_H
#define CODECELL_LANGUAGES_IMAGE_LABEL_H

#include <jansson.h>

struct image_info;

#define IMAGE_LABEL "io.codecell.facts"
#define IMAGE_LABEL_MAX ((size_t)256 << 10) /* bytes that are read */
#define IMAGE_LABEL_PACKAGES_MAX 500        /* of a language; what follows is not listed */

/* The label's content; a new reference. NULL: there is none, it is malformed, or it is another image's. */
json_t *image_label_read(const struct image_info *image);

/* What the command printed, borrowed from the label's content; NULL: the label does not have it. `env` is
 * "NAME=value". */
const char *image_label_output(const json_t *label, char *const *argv, char *const *env);

/* Lines of "name version" to [{"name", "version"}]; other lines are passed over. A new reference; NULL: out of memory.
 */
json_t *image_label_packages(const char *text);

#endif
