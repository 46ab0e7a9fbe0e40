/* libcurl's multi interface on a uv loop: curl names the sockets and the time that it waits for, uv waits and calls
 * curl. Each transfer that ends is handed to its `done`. `done` may add and remove transfers, because curl is not
 * running then. */
#ifndef CODECELL_BASE_CURL_LOOP_H
#define CODECELL_BASE_CURL_LOOP_H

#include <curl/curl.h>
#include <stdbool.h>
#include <uv.h>

struct curl_loop {
    uv_loop_t *uv;
    CURLM *multi;
    uv_timer_t timer;
    unsigned handles; /* open handles of uv */
    bool closing;
    void (*closed)(void *arg);
    void *arg;
};

struct transfer {
    CURL *easy; /* belongs to the owner; CURLOPT_PRIVATE is used here */
    void (*done)(struct transfer *transfer, CURLcode code);
};

/* `idle_max`: how many connections stay open for later transfers. Out of memory: the first curl_loop_add() fails. */
void curl_loop_open(struct curl_loop *loop, uv_loop_t *uv, long idle_max);
int curl_loop_add(struct curl_loop *loop, struct transfer *transfer); /* 0, or -1: `done` will not fire */
void curl_loop_remove(struct curl_loop *loop, struct transfer *transfer);
/* There must be no transfer any more. `closed` fires later. */
void curl_loop_close(struct curl_loop *loop, void (*closed)(void *arg), void *arg);

#endif
