/* Bodies to the engine, answers from it, the archive. */
#include "codec_json.h"
#include "unit.h"

#include "base/buf.h"
#include "base/json.h"
#include "docker/engine/codec.h"
#include "docker/engine/codec_read.h"
#include "docker/engine/codec_tar.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const entrypoint[] = {"/codecell/agent", NULL};
static const char *const env[] = {"A=1", NULL};
static const char *const labels[] = {"io.codecell.role=cell", "odd=a=b", "empty=", NULL};

static size_t count(const char *text, char what)
{
    size_t found = 0;

    for (; *text != '\0'; text++)
        found += *text == what;
    return found;
}

static struct container_spec full_spec(void)
{
    return (struct container_spec){
        .image = "codecell/python",
        .entrypoint = entrypoint,
        .labels = labels,
        .env = env,
        .user = "10007:10007",
        .memory_bytes = (int64_t)5 << 30,
        .nano_cpus = 1500000000,
        .pids = 65,
        .tmpfs_bytes = (uint64_t)3 << 30,
        .tmpfs_inodes = 16384,
        .uid = 10007,
        .volume = "codecell-agent-x",
        .volume_target = "/codecell",
        .seccomp = "{\"defaultAction\":\"SCMP_ACT_ERRNO\"}",
        .fsize_bytes = (uint64_t)3 << 30,
        .shm_bytes = 16 << 20,
        .readonly_root = true,
        .stdin_open = true,
    };
}

static void test_container(void **state)
{
    static const struct {
        const char *path, *value;
    } fields[] = {
        {"Hostname", "\"codecell\""},
        {"Image", "\"codecell/python\""},
        {"Entrypoint", "[\"/codecell/agent\"]"},
        {"Cmd", "[]"},
        {"WorkingDir", "\"/\""},
        {"User", "\"10007:10007\""},
        {"Env", "[\"A=1\"]"},
        {"Labels", "{\"io.codecell.role\":\"cell\",\"odd\":\"a=b\",\"empty\":\"\"}"},
        {"NetworkDisabled", "true"},
        {"Healthcheck", "{\"Test\":[\"NONE\"]}"},
        {"Tty", "false"},
        {"OpenStdin", "true"},
        {"StdinOnce", "true"},
        {"AttachStdin", "true"},
        {"AttachStdout", "true"},
        {"AttachStderr", "true"},
        {"HostConfig.NetworkMode", "\"none\""},
        {"HostConfig.IpcMode", "\"private\""},
        {"HostConfig.ReadonlyRootfs", "true"},
        {"HostConfig.CapDrop", "[\"ALL\"]"},
        {"HostConfig.SecurityOpt",
         "[\"no-new-privileges\",\"seccomp={\\\"defaultAction\\\":\\\"SCMP_ACT_ERRNO\\\"}\"]"},
        {"HostConfig.PidsLimit", "65"},
        {"HostConfig.OomScoreAdj", "1000"},
        {"HostConfig.ReadonlyPaths", "[\"/proc/sys\"]"},
        {"HostConfig.Memory", "5368709120"},
        {"HostConfig.MemorySwap", "5368709120"},
        {"HostConfig.NanoCpus", "1500000000"},
        {"HostConfig.Ulimits", "[{\"Name\":\"nofile\",\"Soft\":512,\"Hard\":512},{\"Name\":\"core\",\"Soft\":1,"
                               "\"Hard\":1},{\"Name\":\"fsize\",\"Soft\":3221225472,\"Hard\":3221225472}]"},
        {"HostConfig.Tmpfs", "{\"/tmp\":\"rw,nosuid,nodev,exec,size=3221225472,mode=1777,nr_inodes=16384,uid=10007,"
                             "gid=10007\"}"},
        {"HostConfig.Mounts", "[{\"Type\":\"volume\",\"Source\":\"codecell-agent-x\",\"Target\":\"/"
                              "codecell\",\"ReadOnly\":true,\"VolumeOptions\":{\"NoCopy\":true}}]"},
        {"HostConfig.LogConfig.Type", "\"none\""},
        {"HostConfig.Sysctls", "{\"net.ipv4.tcp_rmem\":\"4096 8192 16384\",\"net.ipv4.tcp_wmem\":\"4096 8192 16384\","
                               "\"net.core.somaxconn\":\"128\",\"net.ipv4.tcp_max_syn_backlog\":\"128\",\"net.ipv4.tcp_"
                               "max_tw_buckets\":\"1024\"}"},
        {"HostConfig.ShmSize", "16777216"},
        {"HostConfig.Init", "false"},
        {"HostConfig.AutoRemove", "false"},
        {"HostConfig.RestartPolicy.Name", "\"no\""},
    };
    /* What must never be said: each opens a way out, or makes a cell hang or linger. */
    static const char *const absent[] = {"HostConfig.OomKillDisable", "HostConfig.Privileged", "HostConfig.CapAdd",
                                         "HostConfig.Binds",          "HostConfig.PidMode",    "HostConfig.Devices",
                                         "HostConfig.Runtime",        "HostConfig.UsernsMode"};
    struct container_spec spec = full_spec();
    json_t *body = codec_container(&spec);

    (void)state;
    assert_non_null(body);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        assert_json(body, fields[i].path, fields[i].value);
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        assert_null(at(body, absent[i]));
    json_decref(body);
}

/* Docker's own list, and what tells of others: in HostConfig, or in Podman's own way. */
static void test_masked_paths(void **state)
{
    static const char *const wanted[] = {
        "/proc/acpi",       "/proc/asound",        "/proc/bus",         "/proc/cmdline",
        "/proc/config.gz",  "/proc/diskstats",     "/proc/fs",          "/proc/interrupts",
        "/proc/irq",        "/proc/kallsyms",      "/proc/kcore",       "/proc/key-users",
        "/proc/keys",       "/proc/latency_stats", "/proc/locks",       "/proc/modules",
        "/proc/partitions", "/proc/pressure",      "/proc/sched_debug", "/proc/schedstat",
        "/proc/scsi",       "/proc/softirqs",      "/proc/swaps",       "/proc/sysrq-trigger",
        "/proc/timer_list", "/proc/timer_stats",   "/proc/zoneinfo",    "/sys/devices/virtual/powercap",
        "/sys/firmware",    "/sys/kernel/slab",    "/sys/module"};
    static const char *const kept[] = {"/proc", "/proc/meminfo", "/proc/sys", "/sys/devices", "/sys/kernel", "/sys/fs"};
    struct container_spec spec = full_spec();
    json_t *body = codec_container(&spec);
    char *list = json_text(at(body, "HostConfig.MaskedPaths"), NULL), whole[64];

    (void)state;
    spec.podman = true;
    spec.seccomp = NULL;
    json_t *podman = codec_container(&spec);
    const char *masks = json_string_value(at(podman, "HostConfig.SecurityOpt.1"));
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        snprintf(whole, sizeof whole, "\"%s\"", wanted[i]);
        assert_non_null(strstr(list, whole));
        snprintf(whole, sizeof whole, ":%s", wanted[i]);
        assert_non_null(strstr(masks, whole));
    }
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        snprintf(whole, sizeof whole, "\"%s\"", kept[i]);
        assert_null(strstr(list, whole));
    }
    assert_memory_equal(masks, "mask=/etc/resolv.conf:/", 23);
    /* but for pci0000:00, whose colon Podman would cut at */
    assert_int_equal(json_array_size(at(body, "HostConfig.MaskedPaths")) - 1, count(masks, ':'));
    free(list);
    json_decref(podman);
    json_decref(body);
}

static void test_container_choices(void **state)
{
    struct container_spec spec = full_spec();

    (void)state;
    spec.volume_write = true;
    spec.runtime = "crun";
    spec.seccomp = NULL;
    spec.stdin_open = spec.readonly_root = false;
    json_t *body = codec_container(&spec);
    assert_json(body, "HostConfig.Mounts.0.ReadOnly", "false");
    assert_json(body, "HostConfig.Runtime", "\"crun\"");
    assert_json(body, "HostConfig.SecurityOpt", "[\"no-new-privileges\"]");
    assert_json(body, "OpenStdin", "false");
    assert_json(body, "StdinOnce", "false");
    assert_json(body, "HostConfig.ReadonlyRootfs", "false");
    json_decref(body);
}

/* The masks of /sys stay. Those of /proc must be gone, and a list that is left out would mean the engine's own. */
static void test_container_capsules(void **state)
{
    struct container_spec spec = full_spec();
    json_t *without = codec_container(&spec), *sys = json_array(), *path;
    size_t i;

    (void)state;
    spec.capsules = true;
    json_t *body = codec_container(&spec);
    json_array_foreach (at(without, "HostConfig.MaskedPaths"), i, path)
        if (strncmp(json_string_value(path), "/sys/", 5) == 0)
            json_array_append(sys, path);
    assert_true(json_array_size(sys) > 0);
    assert_true(json_equal(at(body, "HostConfig.MaskedPaths"), sys));
    assert_json(body, "HostConfig.ReadonlyPaths", "[]");
    assert_json(body, "HostConfig.Tmpfs", "{\"/tmp\":\"ro,nosuid,nodev,size=4096,mode=0555\"}");
    assert_int_equal(json_array_size(at(body, "HostConfig.Ulimits")), 2);
    assert_json(body, "Hostname", "\"codecell\"");
    assert_json(body, "HostConfig.ReadonlyRootfs", "true");
    assert_json(body, "HostConfig.CapDrop", "[\"ALL\"]");
    json_decref(sys);
    json_decref(body);
    json_decref(without);
}

static void test_container_capsules_podman(void **state)
{
    struct container_spec spec = full_spec();

    (void)state;
    spec.podman = spec.capsules = true;
    spec.seccomp = NULL;
    json_t *body = codec_container(&spec);
    const char *masks = json_string_value(at(body, "HostConfig.SecurityOpt.2"));
    assert_json(body, "HostConfig.SecurityOpt.1", "\"unmask=ALL\"");
    assert_memory_equal(masks, "mask=/etc/resolv.conf:/sys/", 27);
    assert_null(strstr(masks, "/proc"));
    assert_json(body, "HostConfig.Tmpfs",
                "{\"/tmp\":\"ro,nosuid,nodev,size=4096,mode=0555,notmpcopyup\",\"/var/tmp\":"
                "\"ro,nosuid,nodev,size=4096,mode=0555,notmpcopyup\"}");
    json_decref(body);
}

static void test_container_apparmor(void **state)
{
    struct container_spec spec = full_spec();

    (void)state;
    spec.seccomp = NULL;
    spec.apparmor = "codecell";
    json_t *body = codec_container(&spec);
    assert_json(body, "HostConfig.SecurityOpt", "[\"no-new-privileges\",\"apparmor=codecell\"]");
    json_decref(body);
}

/* Podman knows neither an owner nor a number of inodes, and would copy the image's /tmp; without a nproc it asks for
 * more than it may have. */
static void test_container_podman(void **state)
{
    struct container_spec spec = full_spec();
    spec.podman = true;
    spec.seccomp = NULL;
    json_t *body = codec_container(&spec);
    json_t *docker;

    (void)state;
    assert_json(body, "HostConfig.Tmpfs",
                "{\"/tmp\":\"rw,nosuid,nodev,exec,size=3221225472,mode=1777,notmpcopyup\",\"/var/tmp\":"
                "\"ro,nosuid,nodev,size=4096,mode=0555,notmpcopyup\"}");
    assert_json(body, "HostConfig.Ulimits.3", "{\"Name\":\"nproc\",\"Soft\":4096,\"Hard\":4096}");
    spec.podman = false;
    docker = codec_container(&spec);
    assert_int_equal(json_array_size(at(docker, "HostConfig.Ulimits")), 3);
    assert_json(docker, "HostConfig.SecurityOpt", "[\"no-new-privileges\"]");
    json_decref(docker);
    json_decref(body);
}

static void test_container_least(void **state)
{
    static const char *const absent[] = {"User", "HostConfig.Tmpfs", "HostConfig.Mounts", "HostConfig.ShmSize"};
    json_t *body = codec_container(&(struct container_spec){.image = "x", .entrypoint = entrypoint});

    (void)state;
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        assert_null(at(body, absent[i]));
    assert_json(body, "Labels", "{}");
    assert_json(body, "HostConfig.NetworkMode", "\"none\"");
    assert_json(body, "HostConfig.CapDrop", "[\"ALL\"]");
    assert_int_equal(json_array_size(at(body, "HostConfig.Ulimits")), 2);
    json_decref(body);
}

static void test_container_refuses(void **state)
{
    struct container_spec spec = full_spec();

    (void)state;
    spec.apparmor = "\xff";
    assert_null(codec_container(&spec));
    spec = full_spec();
    spec.labels = (const char *const[]){"fine=1", "no equals sign", NULL};
    assert_null(codec_container(&spec));
    spec = full_spec();
    spec.image = "\xff";
    assert_null(codec_container(&spec));
    spec = full_spec();
    spec.env = (const char *const[]){"A=\xc3", NULL};
    assert_null(codec_container(&spec));
    spec = full_spec();
    spec.user = "\x80";
    assert_null(codec_container(&spec));
    spec = full_spec();
    spec.seccomp = "\xe2\x82";
    assert_null(codec_container(&spec));
    spec = full_spec();
    spec.volume = "\xf0";
    assert_null(codec_container(&spec));
}

static void test_update(void **state)
{
    json_t *body = codec_update(100, 200, 300);

    (void)state;
    assert_json(body, "", "{\"Memory\":100,\"MemorySwap\":100,\"NanoCpus\":200,\"PidsLimit\":300}");
    json_decref(body);
    body = codec_update_shares(128);
    assert_json(body, "", "{\"CpuShares\":128}");
    json_decref(body);
}

static void test_created_id(void **state)
{
    static const struct {
        const char *reply, *id;
    } cases[] = {
        {"{\"Id\":\"4bb82b015e9e\",\"Warnings\":[]}", "4bb82b015e9e"},
        {"{\"Id\":\"a.b_c-D\"}", "a.b_c-D"},
        {"{\"Id\":\"\"}", NULL},
        {"{\"Id\":\"../x\"}", NULL},
        {"{\"Id\":\"a/b\"}", NULL},
        {"{\"Id\":\"a?b\"}", NULL},
        {"{\"Id\":\"a\\r\\nb\"}", NULL},
        {"{\"Id\":\"a\\u0000b\"}", "a"}, /* only what stands before it is read */
        {"{\"Id\":17}", NULL},
        {"{}", NULL},
        {"[\"Id\"]", NULL},
        {"null", NULL},
    };
    char text[200];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *reply = parse(cases[i].reply);
        const char *id = codec_created_id(reply);
        assert_int_equal(id != NULL, cases[i].id != NULL);
        if (id != NULL)
            assert_string_equal(id, cases[i].id);
        json_decref(reply);
    }
    for (int len = (int)CODEC_ID_MAX; len <= (int)CODEC_ID_MAX + 1; len++) {
        snprintf(text, sizeof text, "{\"Id\":\"%0*d\"}", len, 7);
        json_t *reply = parse(text);
        assert_int_equal(codec_created_id(reply) != NULL, len <= (int)CODEC_ID_MAX);
        json_decref(reply);
    }
    assert_null(codec_created_id(NULL));
}

static void test_state(void **state)
{
    static const struct {
        const char *reply;
        int result;
        struct container_state expected;
    } cases[] = {
        {"{\"State\":{\"Status\":\"running\",\"Running\":true,\"OOMKilled\":false,\"Dead\":false,\"Pid\":7,"
         "\"ExitCode\":0,\"Error\":\"\",\"StartedAt\":\"2026-01-02T03:04:05Z\"}}",
         0,
         {.running = true, .pid = 7, .error = "", .started = "2026-01-02T03:04:05Z"}},
        {"{\"State\":{\"Status\":\"exited\",\"Running\":false,\"OOMKilled\":true,\"ExitCode\":137}}",
         0,
         {.dead = true, .oom_killed = true, .exit_code = 137, .error = "", .started = ""}},
        {"{\"State\":{\"Dead\":true,\"Error\":\"exec: no such file\"}}",
         0,
         {.dead = true, .error = "exec: no such file", .started = ""}},
        {"{\"State\":{\"Running\":\"yes\",\"OOMKilled\":1,\"ExitCode\":\"0\",\"Pid\":null,\"Error\":[]}}",
         0,
         {.error = "", .started = ""}},
        {"{\"State\":{}}", 0, {.error = "", .started = ""}},
        {"{\"State\":\"running\"}", -1, {0}},
        {"{}", -1, {0}},
        {"[]", -1, {0}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct container_state *expected = &cases[i].expected;
        struct container_state found;
        json_t *reply = parse(cases[i].reply);

        assert_int_equal(codec_state(reply, &found), cases[i].result);
        if (cases[i].result == 0) {
            assert_int_equal(found.running, expected->running);
            assert_int_equal(found.dead, expected->dead);
            assert_int_equal(found.oom_killed, expected->oom_killed);
            assert_int_equal(found.exit_code, expected->exit_code);
            assert_int_equal(found.pid, expected->pid);
            assert_string_equal(found.error, expected->error);
            assert_string_equal(found.started, expected->started);
        }
        json_decref(reply);
    }
    struct container_state none;
    assert_int_equal(codec_state(NULL, &none), -1);
}

/* Writes what it sees as a line each. */
static void note_container(void *arg, const struct container_entry *entry)
{
    const char *role = codec_label(entry, "role"), *dotted = codec_label(entry, "io.codecell.name");

    buf_printf(arg, "%s %s %lld %s %s\n", entry->id, entry->state, (long long)entry->created_s,
               role != NULL ? role : "-", dotted != NULL ? dotted : "-");
}

static void test_containers(void **state)
{
    static const char text[] = "[{\"Id\":\"a1\",\"State\":\"running\",\"Created\":1700000000,"
                               "\"Labels\":{\"role\":\"cell\",\"io.codecell.name\":\"n\"},\"Names\":[\"/n\"]},"
                               "{\"Id\":\"b2\",\"State\":\"created\",\"Created\":\"2026-01-02\",\"Labels\":null},"
                               "{\"Id\":\"c3\",\"Labels\":{\"role\":5}},"
                               "{\"Id\":\"../etc\",\"State\":\"running\"},{\"State\":\"running\"},17,null,\"x\",[]]";
    struct buf seen;

    (void)state;
    buf_init(&seen, 1000);
    json_t *reply = parse(text);
    assert_int_equal(codec_containers(reply, note_container, &seen), 3);
    assert_string_equal(seen.data, "a1 running 1700000000 cell n\nb2 created 0 - -\nc3  0 - -\n");
    json_decref(reply);
    reply = parse("{\"message\":\"no\"}");
    assert_int_equal(codec_containers(reply, note_container, &seen), -1);
    json_decref(reply);
    assert_int_equal(codec_containers(NULL, note_container, &seen), -1);
    reply = parse("[]");
    assert_int_equal(codec_containers(reply, note_container, &seen), 0);
    json_decref(reply);
    buf_free(&seen);
}

static void test_image(void **state)
{
    struct image_info info;
    json_t *reply = parse("{\"Id\":\"sha256:51e413542d52\",\"Architecture\":\"amd64\",\"Size\":167000000,"
                          "\"Config\":{\"Volumes\":{\"/data\":{},\"/log\":{}}}}");

    (void)state;
    assert_int_equal(codec_image(reply, &info), 0);
    assert_string_equal(info.id, "sha256:51e413542d52");
    assert_string_equal(info.arch, "amd64");
    assert_int_equal(info.size, 167000000);
    assert_int_equal(info.volumes, 2);
    json_decref(reply);
    reply = parse("{\"Id\":\"sha256:5\",\"Config\":{\"Volumes\":null},\"Size\":\"1\"}");
    assert_int_equal(codec_image(reply, &info), 0);
    assert_int_equal(info.volumes, 0);
    assert_int_equal(info.size, 0);
    assert_string_equal(info.arch, "");
    json_decref(reply);
    reply = parse("{\"Id\":\"\"}");
    assert_int_equal(codec_image(reply, &info), -1);
    json_decref(reply);
    assert_int_equal(codec_image(NULL, &info), -1);
}

static unsigned octal(const char *field)
{
    return (unsigned)strtoul(field, NULL, 8);
}

static void test_tar(void **state)
{
    static const size_t sizes[] = {0, 1, 511, 512, 513, 100000};
    static char data[100000];

    (void)state;
    memset(data, 'x', sizeof data);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct buf tar;
        unsigned sum = 0;

        buf_init(&tar, 1 << 20);
        assert_int_equal(codec_tar_file(&tar, "agent", data, sizes[i], 0555), 0);
        assert_int_equal(tar.len, 512 + (sizes[i] + 511) / 512 * 512 + 1024);
        assert_string_equal(tar.data, "agent");
        assert_int_equal(octal(tar.data + 100), 0555);
        assert_int_equal(octal(tar.data + 108), 0); /* user and group: root */
        assert_int_equal(octal(tar.data + 116), 0);
        assert_int_equal(octal(tar.data + 124), sizes[i]);
        assert_int_equal(tar.data[156], '0');
        assert_memory_equal(tar.data + 257, "ustar\00000", 8);
        for (size_t byte = 0; byte < 512; byte++)
            sum += byte >= 148 && byte < 156 ? ' ' : (unsigned char)tar.data[byte];
        assert_int_equal(octal(tar.data + 148), sum);
        assert_memory_equal(tar.data + 512, data, sizes[i]);
        for (size_t byte = 512 + sizes[i]; byte < tar.len; byte++)
            assert_int_equal(tar.data[byte], 0);
        buf_free(&tar);
    }
}

static void test_tar_caps(void **state)
{
    char name[CODEC_TAR_NAME_MAX + 2];
    struct buf tar;

    (void)state;
    memset(name, 'n', sizeof name);
    name[CODEC_TAR_NAME_MAX + 1] = '\0';
    buf_init(&tar, 2047);
    assert_int_equal(codec_tar_file(&tar, "agent", "x", 1, 0555), -1); /* one byte too small */
    assert_int_equal(tar.len, 0);
    buf_free(&tar);
    buf_init(&tar, 2048);
    assert_int_equal(codec_tar_file(&tar, name, "x", 1, 0555), -1);
    assert_int_equal(codec_tar_file(&tar, "", "x", 1, 0555), -1);
    assert_int_equal(codec_tar_file(&tar, "agent", "x", CODEC_TAR_DATA_MAX + 1, 0555), -1);
    assert_int_equal(codec_tar_file(&tar, "agent", "x", 1, 010000), -1);
    assert_int_equal(tar.len, 0);
    name[CODEC_TAR_NAME_MAX] = '\0';
    assert_int_equal(codec_tar_file(&tar, name, "x", 1, 0555), 0);
    assert_int_equal(tar.data[CODEC_TAR_NAME_MAX - 1], 'n');
    buf_free(&tar);
}

static void test_tar_folder(void **state)
{
    struct buf tar;

    (void)state;
    buf_init(&tar, 2048);
    assert_int_equal(codec_tar_folder(&tar, "codecell", 0711), 0);
    assert_int_equal(tar.len, 512 + 1024);
    assert_string_equal(tar.data, "codecell");
    assert_int_equal(octal(tar.data + 100), 0711);
    assert_int_equal(octal(tar.data + 124), 0);
    assert_int_equal(tar.data[156], '5');
    buf_free(&tar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_container),
        cmocka_unit_test(test_masked_paths),
        cmocka_unit_test(test_container_choices),
        cmocka_unit_test(test_container_capsules),
        cmocka_unit_test(test_container_capsules_podman),
        cmocka_unit_test(test_container_apparmor),
        cmocka_unit_test(test_container_podman),
        cmocka_unit_test(test_container_least),
        cmocka_unit_test(test_container_refuses),
        cmocka_unit_test(test_update),
        cmocka_unit_test(test_created_id),
        cmocka_unit_test(test_state),
        cmocka_unit_test(test_containers),
        cmocka_unit_test(test_image),
        cmocka_unit_test(test_tar),
        cmocka_unit_test(test_tar_caps),
        cmocka_unit_test(test_tar_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
