/* Executions that have ended or still run: their handlers, and functions that the lists of sessions share. */
#ifndef CODECELL_API_EXECUTIONS_H
#define CODECELL_API_EXECUTIONS_H

#include "api/db_query.h"

http_handler api_executions_list, api_executions_get, api_executions_delete;

extern const struct fields executions_list_fields; /* the parameters of their list, besides those of a page */
extern const struct fields execution_fields;       /* what execution_json() makes, for documents */

/* API.md's object; a new reference. Kept texts are cleaned to UTF-8. */
json_t *execution_json(const struct record *record);

/* Reads a page of `query->filter` into the query's records: a work(), or the end of one. */
int executions_read(struct db *db, struct query *query, struct error *error);

/* Replaces the status of rows that say pending by the live one. */
void executions_put_live(struct query *query);

/* The same, and answers the page without the rows that do not match `query->status` then. */
void executions_answer(struct query *query);

#endif
