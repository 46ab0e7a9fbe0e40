/* The seccomp profile, without and with capsules. */
#include "codec_json.h"
#include "unit.h"

#include "docker/engine/codec_seccomp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The action that stands for a call without conditions; NULL: the default. */
static const char *action_of(const json_t *profile, const char *call, bool *conditional)
{
    size_t i, j;
    json_t *rule, *name;
    const char *action = NULL;

    *conditional = false;
    json_array_foreach (json_object_get(profile, "syscalls"), i, rule) {
        json_array_foreach (json_object_get(rule, "names"), j, name) {
            if (strcmp(json_string_value(name), call) != 0)
                continue;
            assert_null(*conditional ? NULL : action); /* named once, or under conditions alone */
            action = json_string_value(json_object_get(rule, "action"));
            *conditional = json_object_get(rule, "args") != NULL;
        }
    }
    return action;
}

static void test_seccomp(void **state)
{
    static const char *const refused[] = {"bpf",
                                          "keyctl",
                                          "add_key",
                                          "request_key",
                                          "perf_event_open",
                                          "userfaultfd",
                                          "unshare",
                                          "setns",
                                          "mount",
                                          "umount2",
                                          "fsopen",
                                          "fsmount",
                                          "move_mount",
                                          "open_tree",
                                          "mount_setattr",
                                          "pivot_root",
                                          "chroot",
                                          "open_by_handle_at",
                                          "process_vm_readv",
                                          "process_vm_writev",
                                          "pidfd_getfd",
                                          "kcmp",
                                          "kexec_load",
                                          "init_module",
                                          "finit_module",
                                          "reboot",
                                          "swapon",
                                          "quotactl",
                                          "acct",
                                          "syslog",
                                          "settimeofday",
                                          "iopl",
                                          "modify_ldt",
                                          "vmsplice",
                                          "memfd_secret",
                                          "mbind",
                                          "fanotify_init"};
    static const char *const absent[] = {"clone3", "io_setup", "io_uring_setup", "io_uring_enter", "io_uring_register"};
    static const char *const free_calls[] = {"read", "execve", "futex", "ptrace", "seccomp", "prctl", "mmap", "kill"};
    static const char *const on_condition[] = {"clone", "socket", "socketpair", "personality"};
    char *text = codec_seccomp(false), path[32];
    json_t *profile = parse(text);
    bool conditional;

    (void)state;
    assert_true(strlen(text) < 8192); /* it goes with every creation */
    assert_json(profile, "defaultAction", "\"SCMP_ACT_ERRNO\"");
    assert_json(profile, "archMap.0", "{\"architecture\":\"SCMP_ARCH_X86_64\",\"subArchitectures\":[]}");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_null(action_of(profile, refused[i], &conditional));
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        assert_string_equal(action_of(profile, absent[i], &conditional), "SCMP_ACT_ERRNO");
    for (size_t i = 0; i < sizeof free_calls / sizeof *free_calls; i++) {
        assert_string_equal(action_of(profile, free_calls[i], &conditional), "SCMP_ACT_ALLOW");
        assert_false(conditional);
    }
    for (size_t i = 0; i < sizeof on_condition / sizeof *on_condition; i++) {
        assert_string_equal(action_of(profile, on_condition[i], &conditional), "SCMP_ACT_ALLOW");
        assert_true(conditional);
    }
    assert_json(profile, "syscalls.1.errnoRet", "38");
    for (int i = 0; i < 4; i++) { /* TCP, as 0 or by its number: any other has the host load a module */
        snprintf(path, sizeof path, "syscalls.%d.args.2", 5 + i);
        assert_json(profile, path,
                    i % 2 == 0 ? "{\"index\":2,\"value\":0,\"valueTwo\":0,\"op\":\"SCMP_CMP_EQ\"}"
                               : "{\"index\":2,\"value\":6,\"valueTwo\":0,\"op\":\"SCMP_CMP_EQ\"}");
    }
    assert_int_equal(ENOSYS, 38);
    json_decref(profile);
    free(text);
}

/* With capsules the profile is the same, and four rules more. */
static void test_seccomp_capsules(void **state)
{
    static const char *const more[] = {
        "{\"names\":[\"clone\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":2114060288,"
        "\"valueTwo\":1040318464,\"op\":\"SCMP_CMP_MASKED_EQ\"}]}", /* of all seven, 0x7e020000, all but CLONE_NEWNET */
        "{\"names\":[\"unshare\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":268566528,"
        "\"valueTwo\":0,\"op\":\"SCMP_CMP_EQ\"}]}", /* CLONE_NEWUSER and CLONE_NEWNS */
        "{\"names\":[\"unshare\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":1073741824,"
        "\"valueTwo\":0,\"op\":\"SCMP_CMP_EQ\"}]}", /* CLONE_NEWNET */
        "{\"names\":[\"mount\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":3,\"value\":4276085712,"
        "\"valueTwo\":0,\"op\":\"SCMP_CMP_MASKED_EQ\"}]}", /* of the low 32 bits all but 1, 2, 4, 8, 32 and 4096 */
    };
    char *text = codec_seccomp(false), *text_capsules = codec_seccomp(true), path[32];
    json_t *profile = parse(text), *capsules = parse(text_capsules);
    json_t *rules = json_object_get(capsules, "syscalls");
    size_t common = json_array_size(at(profile, "syscalls"));

    (void)state;
    assert_true(strlen(text_capsules) < 8192);
    assert_int_equal(json_array_size(rules), common + sizeof more / sizeof *more);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        snprintf(path, sizeof path, "syscalls.%zu", common + i);
        assert_json(capsules, path, more[i]);
    }
    while (json_array_size(rules) > common)
        json_array_remove(rules, common);
    assert_true(json_equal(profile, capsules));
    json_decref(capsules);
    json_decref(profile);
    free(text_capsules);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seccomp),
        cmocka_unit_test(test_seccomp_capsules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
