#include "client/handshake.h"

#include "base/container_of.h"
#include "base/seam.h"
#include "client/remote.h"

#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

#define HEADER_NAME_MAX 256
#define HEADER_VALUE_MAX 4096
#define SWITCHING 101

static struct handshake *handshake_of(llhttp_t *parser)
{
    return container_of(parser, struct handshake, parser);
}

static int append(struct buf *out, const char *at, size_t len)
{
    return buf_append(out, at, len) == 0 ? HPE_OK : HPE_USER;
}

static int on_name(llhttp_t *parser, const char *at, size_t len)
{
    return append(&handshake_of(parser)->name, at, len);
}

static int on_value(llhttp_t *parser, const char *at, size_t len)
{
    return append(&handshake_of(parser)->value, at, len);
}

static int on_value_complete(llhttp_t *parser)
{
    struct handshake *handshake = handshake_of(parser);

    if (handshake->name.len > 0 && handshake->value.len > 0 &&
        strcasecmp(handshake->name.data, "Sec-WebSocket-Accept") == 0)
        snprintf(handshake->accept, sizeof handshake->accept, "%s", handshake->value.data);
    buf_reset(&handshake->name);
    buf_reset(&handshake->value);
    return HPE_OK;
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
    return append(&handshake_of(parser)->body, at, len);
}

static int on_message_complete(llhttp_t *parser)
{
    handshake_of(parser)->over = true;
    return HPE_OK;
}

void handshake_init(struct handshake *handshake)
{
    static llhttp_settings_t settings;
    unsigned char bytes[16];

    *handshake = (struct handshake){.over = false};
    llhttp_settings_init(&settings);
    settings.on_header_field = on_name;
    settings.on_header_value = on_value;
    settings.on_header_value_complete = on_value_complete;
    settings.on_body = on_body;
    settings.on_message_complete = on_message_complete;
    llhttp_init(&handshake->parser, HTTP_RESPONSE, &settings);
    seam()->random(bytes, sizeof bytes);
    EVP_EncodeBlock((unsigned char *)handshake->key, bytes, sizeof bytes);
    buf_init(&handshake->name, HEADER_NAME_MAX);
    buf_init(&handshake->value, HEADER_VALUE_MAX);
    buf_init(&handshake->body, HANDSHAKE_ANSWER_MAX);
}

void handshake_free(struct handshake *handshake)
{
    buf_free(&handshake->name);
    buf_free(&handshake->value);
    buf_free(&handshake->body);
}

int handshake_request(const struct handshake *handshake, struct buf *out, const char *host, const char *path,
                      const char *subprotocol, const char *key)
{
    if (buf_printf(out,
                   "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Protocol: %s\r\n"
                   "User-Agent: codecell/" CODECELL_VERSION "\r\n",
                   path, host, handshake->key, subprotocol) != 0 ||
        (key[0] != '\0' && buf_printf(out, "X-API-Key: %s\r\n", key) != 0))
        return -1;
    return buf_puts(out, "\r\n");
}

void handshake_accept_of(const char *key, char out[HANDSHAKE_ACCEPT_LEN + 1])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char text[HANDSHAKE_KEY_LEN + sizeof guid];
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    snprintf(text, sizeof text, "%s%s", key, guid);
    out[0] = '\0';
    if (EVP_Digest(text, strlen(text), hash, &len, EVP_sha1(), NULL) == 1)
        EVP_EncodeBlock((unsigned char *)out, hash, (int)len);
}

/* The server has answered. */
static int handshake_judge(const struct handshake *handshake, struct error *error)
{
    struct remote_answer answer = {.status = handshake->parser.status_code, .body = handshake->body};
    char wanted[HANDSHAKE_ACCEPT_LEN + 1];

    if (answer.status != SWITCHING) {
        if (remote_is_good(&answer, error))
            error_set(error, ERROR_UNAVAILABLE, "the server speaks no WebSocket: it answered %ld", answer.status);
        return -1;
    }
    handshake_accept_of(handshake->key, wanted);
    if (strcmp(wanted, handshake->accept) != 0)
        return error_set(error, ERROR_UNAVAILABLE, "the server's answer belongs to another WebSocket");
    return 0;
}

int handshake_read(struct handshake *handshake, const char *bytes, size_t len, size_t *used, struct error *error)
{
    enum llhttp_errno code = llhttp_execute(&handshake->parser, bytes, len);

    *used = len;
    if (code == HPE_PAUSED_UPGRADE) {
        *used = (size_t)(llhttp_get_error_pos(&handshake->parser) - bytes);
        handshake->over = true;
    } else if (code != HPE_OK && !handshake->over) {
        return error_set(error, ERROR_UNAVAILABLE, "the server's answer is not HTTP");
    }
    return handshake->over ? handshake_judge(handshake, error) : 0;
}
