/* The descriptions of the API: each route has one, and nothing else has. */
#include "api/openapi_operations.h"

#include "api/openapi_errors.h"
#include "api/openapi_schemas.h"
#include "api/routes.h"

#include "unit.h"

#include <string.h>

static size_t count_routes(void)
{
    size_t count = 0;

    while (api_routes[count].method != NULL)
        count++;
    return count;
}

/* A route that is not described, or a description without a route, fails here. */
static void test_each_route_is_described(void **state)
{
    size_t described = 0;

    (void)state;
    for (const struct http_route *route = api_routes; route->method != NULL; route++)
        if (openapi_operation_of(route->method, route->pattern) == NULL)
            fail_msg("openapi_operations.c does not describe %s %s", route->method, route->pattern);
    for (const struct openapi_operation *operation = openapi_operations; operation->method != NULL; operation++)
        described++;
    assert_int_equal(described, count_routes());
}

static bool has_schema(const char *name)
{
    for (const struct openapi_schema *schema = openapi_schemas; schema->name != NULL; schema++)
        if (strcmp(schema->name, name) == 0)
            return true;
    return false;
}

static const struct openapi_operation *operation_named(const char *id)
{
    const struct openapi_operation *operation = openapi_operations;

    while (operation->method != NULL && strcmp(operation->id, id) != 0)
        operation++;
    return operation->method != NULL ? operation : NULL;
}

static void expect_known_names(const struct openapi_operation *operation)
{
    assert_true(operation->body == NULL || has_schema(operation->body));
    assert_ptr_equal(operation_named(operation->id), operation); /* each id once */
    assert_int_equal(operation->from != NULL, strstr(operation->pattern, "{id}") != NULL);
    assert_true(operation->from == NULL || operation_named(operation->from) != NULL);
    assert_int_equal(operation->rest != NULL, strstr(operation->pattern, "...}") != NULL);
    assert_in_range(operation->answers[0].status, 101, 299);
    for (size_t i = 0; i < OPENAPI_ANSWERS && operation->answers[i].status != 0; i++) {
        const struct openapi_answer *answer = &operation->answers[i];
        assert_true(answer->status < 400 || openapi_error_of(answer->status) != NULL);
        assert_true(answer->schema == NULL || has_schema(answer->schema));
        assert_int_equal(answer->schema != NULL, answer->type != NULL);
    }
}

static void test_operations_name_what_there_is(void **state)
{
    (void)state;
    for (const struct openapi_operation *operation = openapi_operations; operation->method != NULL; operation++)
        expect_known_names(operation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_route_is_described),
        cmocka_unit_test(test_operations_name_what_there_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
