#include "cli_answer.h"

#include "cli.h"

int answer_tell(const json_t *answer)
{
    const char *detail = json_string_value(json_object_get(answer, "detail"));
    const json_t *code = json_object_get(answer, "exit_code"), *warning;
    size_t i;

    json_array_foreach (json_object_get(answer, "warnings"), i, warning)
        cli_failed("warning: %s", json_string_value(warning));
    if (detail != NULL)
        cli_failed("%s", detail);
    return json_is_integer(code) ? (int)json_integer_value(code) : CLI_NOT_RUN;
}
