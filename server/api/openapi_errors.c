#include "api/openapi_errors.h"

#include "api/repeat.h"

#define TO_TEXT(number) TO_TEXT_OF(number)
#define TO_TEXT_OF(number) #number
#define TEXT "{\"type\": \"string\"}"
#define NUMBER "{\"type\": \"integer\"}"

const struct openapi_error openapi_errors[] = {
    {400, "BadRequest", "The request is malformed. The sentence names the field and the limit.", OPENAPI_ANY, NULL,
     true},
    {401, "Unauthorized", "There is no key, or a wrong one.", OPENAPI_KEYED, "WWW-Authenticate", false},
    {402, "OutOfCredits", "The key is prepaid, and its credits are used up.", OPENAPI_RUNS, NULL, true},
    {403, "Forbidden", "The key lacks the scope, or the client may not use this.", OPENAPI_KEYED | OPENAPI_GUARDED,
     NULL, true},
    {404, "NotFound", "There is none of this name, or it belongs to another key.", OPENAPI_ONE, NULL, true},
    {408, "TooSlow", "The request came too slowly.", OPENAPI_ANY, NULL, false},
    {409, "Conflict", "What is there already, or under way, stands against it.", OPENAPI_REPEATS, "Retry-After", true},
    {410, "Gone", "The result is not kept any more.", 0, NULL, true},
    {412, "Precondition", "The file is not as If-Match or If-None-Match says.", 0, NULL, true},
    {413, "TooLarge", "The body is larger than allowed.", OPENAPI_ANY, NULL, false},
    {414, "TargetTooLong", "The path and the query are too long.", OPENAPI_ANY, NULL, false},
    {415, "MediaType", "The body is not of a type that the server reads.", OPENAPI_ANY, NULL, true},
    {416, "Range", "The file is shorter than the header Range says.", 0, "Content-Range", true},
    {417, "Expectation", "The server does not do what the header Expect asks for.", OPENAPI_ANY, NULL, false},
    {422, "Mismatch", "The Idempotency-Key came with another request before.", OPENAPI_REPEATS, NULL, true},
    {426, "Upgrade", "The request does not ask for a WebSocket.", 0, "Upgrade", true},
    {429, "TooMany", "The key's rate is used up.", OPENAPI_KEYED, "Retry-After", true},
    {431, "HeadTooLarge", "The headers are too large.", OPENAPI_ANY, NULL, false},
    {500, "Failed", "The server failed.", OPENAPI_ANY, NULL, true},
    {503, "Unavailable", "The server can't do it now: try again.", OPENAPI_ANY, "Retry-After", true},
    {507, "Storage", "There is no room for the files.", 0, NULL, true},
    {.status = 0},
};

const struct openapi_header openapi_headers[] = {
    {"X-Request-Id", "The request's own if it has one, else a new one. The log has it too.", OPENAPI_ANY, TEXT, false,
     false},
    {"X-RateLimit-Limit", "How many requests a minute the key may make.", OPENAPI_KEYED, NUMBER, true, false},
    {"X-RateLimit-Remaining", "How many it may make at once now.", OPENAPI_KEYED, NUMBER, true, false},
    {"X-RateLimit-Reset", "Unix seconds when the full burst is back.", OPENAPI_KEYED, NUMBER, true, false},
    {"RateLimit-Policy", "The rate, as of draft-ietf-httpapi-ratelimit-headers-10.", OPENAPI_KEYED, TEXT, true, false},
    {"RateLimit", "What is left of it, as of the same draft.", OPENAPI_KEYED, TEXT, true, false},
    {"Location", "Where it is.", OPENAPI_MAKES, TEXT, false, false},
    {"Idempotency-Replayed", "true: the answer is that of an earlier request.", OPENAPI_REPEATS, TEXT, false, true},
    {"ETag", "For If-Match and If-None-Match.", OPENAPI_CACHED | OPENAPI_WRITES, TEXT, false, true},
    {"Last-Modified", "When the file was changed.", OPENAPI_READS, TEXT, false, false},
    {"Accept-Ranges", "bytes", OPENAPI_READS, TEXT, false, false},
    {"Content-Range", "Which bytes of the file these are, and its size.", OPENAPI_READS, TEXT, false, true},
    {"Content-Disposition", "attachment: a browser stores it.", OPENAPI_READS | OPENAPI_PACKS, TEXT, false, false},
    {"Upgrade", "The protocol to ask for.", 0, TEXT, false, false},
    {"Retry-After", "Seconds after which the request may come again.", 0, NUMBER, false, true},
    {"WWW-Authenticate", "How to send a key.", 0, TEXT, false, false},
    {.name = NULL},
};

const struct openapi_parameter openapi_parameters[] = {
    {"IdempotencyKey", "Idempotency-Key", "The same request with the same text gets the same answer for 24 hours.",
     OPENAPI_REPEATS,
     "{\"type\": \"string\", \"minLength\": 1, \"maxLength\": " TO_TEXT(
         REPEAT_TEXT_MAX) ", \"pattern\": \"^[!-~]+$\"}"},
    {"LastEventId", "Last-Event-ID", "The number of the last event that the client has.", OPENAPI_FOLLOWS,
     "{\"type\": \"integer\", \"minimum\": 0}"},
    {"IfNoneMatch", "If-None-Match", "The ETag of an answer that the client has.", OPENAPI_CACHED, TEXT},
    {"NotThere", "If-None-Match", "*: only if there is no such file yet.", OPENAPI_WRITES,
     "{\"type\": \"string\", \"const\": \"*\"}"},
    {"IfMatch", "If-Match", "Only if the file has this ETag; *: if there is one.", OPENAPI_WRITES | OPENAPI_REMOVES,
     TEXT},
    {"Range", "Range", "One range of bytes, such as bytes=0-99.", OPENAPI_READS, TEXT},
    {.name = NULL},
};

const struct openapi_error *openapi_error_of(int status)
{
    for (const struct openapi_error *error = openapi_errors; error->status != 0; error++)
        if (error->status == status)
            return error;
    return NULL;
}
