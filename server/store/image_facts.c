#include "store/image_facts.h"

#include "base/seam.h"
#include "store/sql.h"

#include <string.h>

int stored_facts_get(struct db *db, const char *language, const char *fingerprint, char **facts, struct error *error)
{
    struct statement *statement;

    *facts = NULL;
    int row = sql_first(db, "SELECT facts FROM image_facts WHERE language = ? AND fingerprint = ?",
                        SQL_VALUES(SQL_T(language), SQL_T(fingerprint)), &statement, error);
    if (row <= 0)
        return row;
    const char *text = statement_text(statement, 0);
    *facts = text != NULL ? strdup(text) : NULL;
    statement_reset(statement);
    return *facts != NULL ? 0 : error_memory(error);
}

int stored_facts_put(struct db *db, const char *language, const char *fingerprint, const char *facts,
                     struct error *error)
{
    if (sql_run(db,
                "INSERT INTO image_facts (language, fingerprint, facts, written_ms) VALUES (?1, ?2, ?3, ?4)"
                " ON CONFLICT (language, fingerprint) DO UPDATE SET facts = ?3, written_ms = ?4",
                SQL_VALUES(SQL_T(language), SQL_T(fingerprint), SQL_T(facts), SQL_I(seam_wall_ms())), error) < 0)
        return -1;
    long dropped = sql_run(db,
                           "DELETE FROM image_facts WHERE language = ?1 AND fingerprint NOT IN (SELECT fingerprint"
                           " FROM image_facts WHERE language = ?1 ORDER BY written_ms DESC, fingerprint LIMIT ?2)",
                           SQL_VALUES(SQL_T(language), SQL_I(STORED_FACTS_MAX)), error);
    return dropped < 0 ? -1 : 0;
}
