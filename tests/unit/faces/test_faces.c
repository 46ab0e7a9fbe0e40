/* Which faces are on and where: settings to tables, by made-up faces. */
#include "faces/faces.h"

#include "api/routes.h"
#include "base/container_of.h"
#include "faces/face.h"

#include "unit.h"

#include <string.h>

static void nothing(struct http_exchange *ex)
{
    (void)ex;
}

static char *no_body(int status, const char *detail, size_t *len)
{
    (void)status;
    (void)detail;
    (void)len;
    return NULL;
}

static const struct http_key_place keys[] = {{HTTP_KEY_AUTHORIZATION, "Bearer"},
                                             {HTTP_KEY_QUERY, "key"},
                                             {HTTP_KEY_HEADER, "X-Token"},
                                             {HTTP_KEY_QUERY, "token"},
                                             {HTTP_KEY_NONE, NULL}};

#define FACE(NAME, CREDITS)                                                                                    \
    {                                                                                                          \
        .name = #NAME, .title = #NAME, .routes = NAME##_routes, .covers = NAME##_covers,                       \
        .manners = {.error_type = #NAME, .error_body = no_body, .keys = keys, .cost = 1}, .credits = (CREDITS) \
    }

static const struct http_route red_routes[] = {
    {"POST", "/run", nothing, API_KEY}, {"GET", "/things/{id}", nothing, 0}, {.method = NULL}};
static const char *const red_covers[] = {"/run", "/things", NULL};
static const struct http_route blue_routes[] = {
    {"GET", "/run", nothing, 0}, {"GET", "/things/{name}", nothing, 0}, {.method = NULL}};
static const char *const blue_covers[] = {"/run", "/things", NULL};
static const struct http_route below_routes[] = {{"GET", "/run/below", nothing, 0}, {.method = NULL}};
static const char *const below_covers[] = {"/run/belo", NULL}; /* does not cover its route */
static const struct http_route own_routes[] = {{"POST", "/api/v1/execute", nothing, 0}, {.method = NULL}};
static const char *const own_covers[] = {"/api/v1/execute", NULL};

static const struct http_route shop_routes[] = {
    {"POST", "/buy", nothing, 0}, {"POST", "/buy-more", nothing, 0}, {.method = NULL}};
static const char *const shop_covers[] = {"/buy", "/buy-more", NULL};
static const struct face_price shop_prices[] = {{"/buy-more", 5}, {.path = NULL}};
static const struct face shop = {.name = "shop",
                                 .title = "shop",
                                 .routes = shop_routes,
                                 .covers = shop_covers,
                                 .manners = {.error_type = "shop", .error_body = no_body, .keys = keys, .cost = 1},
                                 .credits = 2,
                                 .prices = shop_prices,
                                 .sells = true};
static const struct face red = FACE(red, 3), blue = FACE(blue, 1), below = FACE(below, 1), own = FACE(own, 1);
static const struct face *const known[] = {&red, &blue, &below, &own, &shop, NULL};

static struct faces *faces;
static struct error error;

static int open_with(const char *on, const char *anonymous, bool url_keys)
{
    const struct faces_settings settings = {.on = on, .anonymous = anonymous, .url_keys = url_keys};

    faces_close(faces);
    error = (struct error){0};
    return faces_open_of(&faces, known, &settings, &error);
}

static int close_faces(void **state)
{
    (void)state;
    faces_close(faces);
    faces = NULL;
    return 0;
}

/* The routes after our own: "POST /run GET /things/{id} ". */
static const char *routes_of(void)
{
    static char text[500];
    const struct http_route *route = faces_routes(faces);

    for (const struct http_route *ours = api_routes; ours->method != NULL; ours++, route++)
        assert_string_equal(route->pattern, ours->pattern);
    for (text[0] = '\0'; route->method != NULL; route++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s %s ", route->method, route->pattern);
    return text;
}

/* The manners after our own. */
static const struct api_manners *manners_at(size_t index)
{
    const struct http_manners *const *list = faces_manners(faces);

    for (size_t i = 0; api_manners[i] != NULL; i++)
        assert_ptr_equal(*list++, api_manners[i]);
    for (size_t i = 0; i < index; i++)
        assert_non_null(*list++);
    return *list != NULL ? container_of(*list, const struct api_manners, http) : NULL;
}

static void test_which_are_on(void **state)
{
    (void)state;
    static const struct {
        const char *on, *routes;
    } cases[] = {
        {"none", ""},
        {"", ""},
        {"red", "POST /run GET /things/{id} "},
        {"blue", "GET /run GET /things/{name} "},
        {"red=/r", "POST /r/run GET /r/things/{id} "},
        {"red,blue=/b/2", "POST /run GET /things/{id} GET /b/2/run GET /b/2/things/{name} "},
        {"blue=/b,red", "GET /b/run GET /b/things/{name} POST /run GET /things/{id} "},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(open_with(cases[i].on, "", false), 0);
        assert_string_equal(routes_of(), cases[i].routes);
    }
}

static void test_wrong_settings(void **state)
{
    (void)state;
    static const struct {
        const char *on, *anonymous, *sentence;
    } cases[] = {
        {"green", "", "CODECELL_FACES: there is no face green"},
        {"red,all", "", "CODECELL_FACES: there is no face all"},
        {"none,red", "", "CODECELL_FACES: there is no face none"},
        {"red,", "", "CODECELL_FACES: there is no face "},
        {"red,blue=/b,red=/r", "", "CODECELL_FACES: red is named twice"},
        {"red=", "", "CODECELL_FACES: red=: a prefix looks like /name"},
        {"red=/", "", "CODECELL_FACES: red=/: a prefix looks like /name"},
        {"red=r", "", "CODECELL_FACES: red=r: a prefix looks like /name"},
        {"red=/r/", "", "CODECELL_FACES: red=/r/: a prefix looks like /name"},
        {"red=/a//b", "", "CODECELL_FACES: red=/a//b: a prefix looks like /name"},
        {"red=/a/../b", "", "CODECELL_FACES: red=/a/../b: a prefix looks like /name"},
        {"red=/{id}", "", "CODECELL_FACES: red=/{id}: a prefix looks like /name"},
        {"red=/a=b", "", "CODECELL_FACES: red=/a=b: a prefix looks like /name"},
        {"red,blue", "",
         "CODECELL_FACES: blue wants GET /things/{name}, which is taken: give it a prefix (blue=/blue)"},
        {"own", "", "CODECELL_FACES: own wants POST /api/v1/execute, which is taken: give it a prefix (own=/own)"},
        {"red,below", "",
         "CODECELL_FACES: below wants /run/below, which lies below the paths of red: give it a prefix (below=/below)"},
        {"below", "",
         "CODECELL_FACES: below wants /run/below, which lies below the paths of our own API: give it a prefix "
         "(below=/below)"},
        {"red", "blue=key", "CODECELL_FACE_ANONYMOUS: the face blue is not on"},
        {"red", "red", "CODECELL_FACE_ANONYMOUS: red: must be FACE=KEYNAME"},
        {"red", "red=", "CODECELL_FACE_ANONYMOUS: red: must be FACE=KEYNAME"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(open_with(cases[i].on, cases[i].anonymous, false), -1);
        assert_string_equal(error.text, cases[i].sentence);
        assert_int_equal(error.code, ERROR_INVALID);
        assert_null(faces);
    }
}

static void test_manners(void **state)
{
    (void)state;
    assert_int_equal(open_with("red,blue=/b", "blue=a key", false), 0);
    const struct api_manners *run = manners_at(0), *things = manners_at(1), *moved = manners_at(2);

    assert_string_equal(run->http.prefix, "/run");
    assert_string_equal(things->http.prefix, "/things");
    assert_string_equal(run->face, "red");
    assert_null(run->anonymous);
    assert_int_equal(run->credits, 3);
    assert_string_equal(run->http.error_type, "red");
    assert_true(run->http.error_body == no_body);
    assert_string_equal(moved->http.prefix, "/b/run");
    assert_string_equal(moved->face, "blue");
    assert_string_equal(moved->anonymous, "a key");
    assert_int_equal(moved->credits, 1);
    assert_string_equal(manners_at(3)->http.prefix, "/b/things");
    assert_null(manners_at(4));
}

static void test_keys_in_urls_need_a_setting(void **state)
{
    (void)state;
    assert_int_equal(open_with("red", "", false), 0);
    const struct http_key_place *places = manners_at(0)->http.keys;
    assert_string_equal(places[0].name, "Bearer");
    assert_string_equal(places[1].name, "X-Token");
    assert_int_equal(places[2].kind, HTTP_KEY_NONE);

    assert_int_equal(open_with("red", "", true), 0);
    assert_ptr_equal(manners_at(0)->http.keys, keys);
}

/* The real ones: each can be on with all others, and each is whole. */
static void test_all_of_them(void **state)
{
    (void)state;
    const struct faces_settings all = {.on = "all", .anonymous = "piston=key", .url_keys = false};

    faces_close(faces);
    if (faces_open(&faces, &all, &error) != 0)
        fail_msg("%s", error.text);
    for (const struct face *const *face = faces_all; *face != NULL; face++) {
        assert_non_null((*face)->title);
        assert_non_null((*face)->manners.error_body);
        assert_non_null((*face)->manners.error_type);
        assert_true((*face)->manners.cost > 0);
        assert_true((*face)->credits > 0);
    }
}

static void test_a_path_may_have_a_price_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(open_with("shop=/s", "", false), 0);
    assert_string_equal(manners_at(0)->http.prefix, "/s/buy");
    assert_int_equal(manners_at(0)->credits, 2);
    assert_string_equal(manners_at(1)->http.prefix, "/s/buy-more");
    assert_int_equal(manners_at(1)->credits, 5);
}

static void test_paid_requests_have_a_key(void **state)
{
    struct faces_settings settings = {.on = "shop", .anonymous = "", .sells = true};

    (void)state;
    faces_close(faces);
    assert_int_equal(faces_open_of(&faces, known, &settings, &error), 0);
    assert_string_equal(manners_at(0)->anonymous, "payers");
    assert_true(faces_need_payers(faces));
    faces_close(faces);
    settings.anonymous = "shop=buyers";
    assert_int_equal(faces_open_of(&faces, known, &settings, &error), 0);
    assert_string_equal(manners_at(0)->anonymous, "buyers");
    assert_false(faces_need_payers(faces));
    faces_close(faces);
    settings.on = "red";
    settings.anonymous = "";
    assert_int_equal(faces_open_of(&faces, known, &settings, &error), 0);
    assert_null(manners_at(0)->anonymous);
    assert_false(faces_need_payers(faces));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_which_are_on, close_faces),
        cmocka_unit_test_teardown(test_wrong_settings, close_faces),
        cmocka_unit_test_teardown(test_manners, close_faces),
        cmocka_unit_test_teardown(test_keys_in_urls_need_a_setting, close_faces),
        cmocka_unit_test_teardown(test_all_of_them, close_faces),
        cmocka_unit_test_teardown(test_a_path_may_have_a_price_of_its_own, close_faces),
        cmocka_unit_test_teardown(test_paid_requests_have_a_key, close_faces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
