/* The server as a whole: its parts built, started, drained and stopped in order. */
#ifndef CODECELL_APP_H
#define CODECELL_APP_H

struct config;

/* Runs until SIGTERM, SIGINT or SIGHUP (which nohup takes away), then drains and ends; the exit status. Problems are
 * logged. */
int app_serve(const struct config *config);

#endif
