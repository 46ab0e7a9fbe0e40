#include "store/migrate.h"

static int newest(const struct migration *steps)
{
    int number = 0;

    for (; steps->number != 0; steps++)
        number = steps->number;
    return number;
}

static int check_schema(const struct driver_schema *schema, const struct migration *steps, struct error *error)
{
    if (!schema->empty && !schema->ours)
        return error_set(error, ERROR_INVALID,
                         "it is not a database of Codecell: CODECELL_DATA_DIR must be a folder of Codecell's own");
    if (schema->version > newest(steps))
        return error_set(error, ERROR_INVALID,
                         "a newer Codecell made it (schema %lld, this program knows %d): use that version or later",
                         (long long)schema->version, newest(steps));
    return 0;
}

int migrate_check(struct driver *driver, const struct migration *steps, bool *empty, struct error *error)
{
    struct driver_schema schema;

    if (driver->calls->read_schema(driver, &schema, error) != 0)
        return -1;
    if (empty != NULL)
        *empty = schema.empty;
    return check_schema(&schema, steps, error);
}

static int apply_missing(struct driver *driver, const struct migration *steps, struct error *error)
{
    struct driver_schema schema;

    /* The write lock is ours now, so from here on no other program changes the schema. */
    if (driver->calls->read_schema(driver, &schema, error) != 0 || check_schema(&schema, steps, error) != 0)
        return -1;
    for (const struct migration *step = steps; step->number != 0; step++) {
        if (step->number <= schema.version)
            continue;
        if (driver->calls->run_script(driver, step->sql, error) != 0)
            return error_wrap(error, "migration %s", step->name);
        if (driver->calls->mark_schema(driver, step->number, error) != 0)
            return -1;
    }
    return 0;
}

int migrate_apply(struct driver *driver, const struct migration *steps, struct error *error)
{
    const struct driver_calls *calls = driver->calls;
    struct driver_schema schema;

    if (calls->read_schema(driver, &schema, error) != 0)
        return -1;
    if (schema.version == newest(steps))
        return 0;
    if (calls->run_script(driver, calls->begin, error) != 0)
        return -1;
    if (apply_missing(driver, steps, error) == 0 && calls->run_script(driver, "COMMIT", error) == 0)
        return 0;
    calls->run_script(driver, "ROLLBACK", NULL);
    return -1;
}
