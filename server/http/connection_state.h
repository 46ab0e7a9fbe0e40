/* The states of a connection. connection.c has the table of legal moves. */
#ifndef CODECELL_HTTP_CONNECTION_STATE_H
#define CODECELL_HTTP_CONNECTION_STATE_H

enum http_state {
    HTTP_CONN_FRESH,      /* accepted, nothing came yet */
    HTTP_CONN_HEAD,       /* reading a head */
    HTTP_CONN_ADMITTING,  /* admit() decides */
    HTTP_CONN_BODY,       /* reading a body */
    HTTP_CONN_WORKING,    /* the handler has it */
    HTTP_CONN_FLOWING,    /* the answer is being made and written */
    HTTP_CONN_ANSWERING,  /* writing the answer, or the rest of it */
    HTTP_CONN_UPGRADED,   /* its socket was handed over */
    HTTP_CONN_IDLE,       /* between two exchanges */
    HTTP_CONN_DISCARDING, /* the answer is written, and the client still sends the body that was refused */
    HTTP_CONN_LINGERING,  /* our side is shut, and the client has yet to read */
    HTTP_CONN_CLOSING,    /* handles are being closed */
    HTTP_CONN_STATES
};

#endif
