/* The schema's steps, made from migrations/ by migrations.cmake. After a release a step's statements never change. */
#ifndef CODECELL_STORE_MIGRATIONS_H
#define CODECELL_STORE_MIGRATIONS_H

struct migration {
    int number;       /* from 1; 0 ends the table */
    const char *name; /* "0001_first" */
    const char *sql;
};

extern const struct migration migrations[];

#endif
