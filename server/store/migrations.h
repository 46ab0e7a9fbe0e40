/* The schema's steps, made from migrations/ by migrations.cmake. A step is never edited after release. */
#ifndef CODECELL_STORE_MIGRATIONS_H
#define CODECELL_STORE_MIGRATIONS_H

struct migration {
    int number;       /* 1 and up; 0 ends the table */
    const char *name; /* "0001_keys" */
    const char *sql;
};

extern const struct migration migrations[];

#endif
