// SPDX-License-Identifier: Apache-2.0
/* What is told of a process, over a directory that looks like /proc. */
#include "broker/owner_internal.h"

#include <errno.h>
#include <pthread.h>

#include "fake_proc.h"
#include "ledger/scan.h"

#define INIT      10
#define ARGV(...) __VA_ARGS__, sizeof(__VA_ARGS__)

static int tell_from(const struct owner_sources *sources, int pid, char *ret, size_t size)
{
	autobuf struct buf b = BUF_INIT(IPC_EXEC_MAX);
	int fd = owner_open_process(sources->proc_fd, pid);
	int r = fd < 0 ? fd : owner_process_write(sources, fd, pid, &b);

	assert_true(size > IPC_EXEC_MAX);
	snprintf(ret, size, "%.*s", (int)b.len, b.len ? (char *)b.data : "");
	assert_true(r || scan_is_value(span_of(ret)));
	if (fd >= 0)
		close(fd);
	return r;
}

static int tell(struct fake_proc *proc, int pid, char *ret, size_t size)
{
	const struct owner_sources sources = {
		.proc_fd = proc->fd, .diag_fd = -1, .root_fd = -1, .init = INIT};

	return tell_from(&sources, pid, ret, size);
}

/* The raw text of a member, or "" */
static const char *member(const char *json, const char *key)
{
	static char text[IPC_EXEC_MAX + 1];

	span_copy(scan_find(span_of(json), key), text, sizeof(text));
	return text;
}

static void test_a_process_is_told_with_its_parents(void **state)
{
	struct fake_proc *proc = *state;
	char json[IPC_EXEC_MAX + 1];

	fake_process(proc, &(struct fake_process){.pid = INIT, .parent = 9, .start = 1});
	fake_process(proc, &(struct fake_process){20, INIT, "node", "/usr/bin/node",
						  ARGV("node\0agent.mjs"), 100, 1, 0});
	fake_process(proc, &(struct fake_process){30, 20, "sh", "/bin/dash", ARGV("sh\0-c\0curl x"),
						  200, 2, 0});
	fake_process(proc, &(struct fake_process){40, 30, "curl", "/usr/bin/curl",
						  ARGV("curl\0https://a.example/\"\\"), 250, 3, 0});
	assert_int_equal(tell(proc, 40, json, sizeof(json)), 0);
	assert_memory_equal(json, "{\"id\":\"40-250-", 14);
	assert_string_equal(member(json, "pid"), "40");
	assert_string_equal(member(json, "start_ns"), "2500000000");
	assert_string_equal(member(json, "exe"), "\"/usr/bin/curl\"");
	assert_string_equal(member(json, "argv"), "[\"curl\",\"https://a.example/\\\"\\\\\"]");
	assert_string_equal(
		member(json, "parents"),
		"[{\"pid\":30,\"exe\":\"/bin/dash\"},{\"pid\":20,\"exe\":\"/usr/bin/node\"}]");
}

static void test_another_program_in_the_same_process_has_another_id(void **state)
{
	static const struct {
		const char *exe;
		const char argv[8];
	} programs[] = {{"/bin/a", "a\0-v"}, {"/bin/b", "a\0-v"}, {"/bin/a", "a\0-w"}};
	struct fake_proc *proc = *state;
	char json[IPC_EXEC_MAX + 1], ids[3][64];

	for (size_t i = 0; i < 3; i++) {
		int pid = 40;
		char command[128];

		fake_process(proc, &(struct fake_process){pid, INIT, NULL, programs[i].exe,
							  programs[i].argv, 5, 7, i, 0});
		assert_int_equal(tell(proc, pid, json, sizeof(json)), 0);
		snprintf(ids[i], sizeof(ids[i]), "%s", member(json, "id"));
		snprintf(command, sizeof(command), "rm -r %s/40", proc->path);
		assert_int_equal(system(command), 0);
	}
	assert_string_not_equal(ids[0], ids[1]);
	assert_string_not_equal(ids[0], ids[2]);
	assert_string_not_equal(ids[1], ids[2]);
}

/* The name is the process's own to choose. */
static void test_a_name_cannot_pass_for_other_fields(void **state)
{
	struct fake_proc *proc = *state;
	struct owner_stat stat;
	int fd;

	fake_process(
		proc,
		&(struct fake_process){
			.pid = 40, .parent = INIT, .comm = "x) Z 1 1\n(", .start = 77, .image = 5});
	fd = owner_open_process(proc->fd, 40);
	assert_int_equal(owner_stat_read(fd, &stat), 0);
	assert_int_equal(stat.parent, INIT);
	assert_int_equal(stat.start_ticks, 77);
	assert_false(stat.is_ended);
	close(fd);
}

static void test_bytes_of_any_kind_become_one_line_of_json(void **state)
{
	static const char argv[] = "\x01\xff\n\"\0\0\xc3\xa4\0";
	struct fake_proc *proc = *state;
	char json[IPC_EXEC_MAX + 1];

	fake_process(proc, &(struct fake_process){.pid = 40,
						  .parent = INIT,
						  .exe = "/a\nb (deleted)",
						  .argv = argv,
						  .argv_n = sizeof(argv) - 1,
						  .start = 1});
	assert_int_equal(tell(proc, 40, json, sizeof(json)), 0);
	assert_string_equal(member(json, "argv"),
			    "[\"\\u0001\\ufffd\\u000a\\\"\",\"\",\"\xc3\xa4\"]");
	assert_string_equal(member(json, "exe"), "\"/a\\u000ab (deleted)\"");
}

static void test_what_cannot_be_read_is_left_out(void **state)
{
	struct fake_proc *proc = *state;
	char json[IPC_EXEC_MAX + 1];

	fake_process(proc, &(struct fake_process){.pid = 40, .parent = 30, .start = 1});
	fake_write(proc, 40, "exe", "", 0); /* no link that can be read */
	assert_int_equal(tell(proc, 40, json, sizeof(json)), 0);
	assert_string_equal(member(json, "exe"), "null");
	assert_string_equal(member(json, "argv"), "[]");
	assert_string_equal(member(json, "parents"), "[]");
}

static void test_long_parts_are_cut_each_to_its_share(void **state)
{
	struct fake_proc *proc = *state;
	char json[IPC_EXEC_MAX + 1], argv[OWNER_ARGV_BYTES * 2], exe[4000];

	memset(exe, 'e', sizeof(exe));
	exe[0] = '/';
	exe[sizeof(exe) - 1] = '\0';
	for (size_t i = 0; i < sizeof(argv); i++)
		argv[i] = i % 50 ? '\x01' : '\0'; /* six bytes each in JSON */
	argv[0] = 'a';
	fake_process(proc, &(struct fake_process){20, INIT, NULL, exe, NULL, 0, 1, 1, 0});
	for (int pid = 21; pid <= 45; pid++)
		fake_process(proc,
			     &(struct fake_process){pid, pid - 1, NULL, exe, NULL, 0, 1, 1, 0});
	fake_process(proc, &(struct fake_process){50, 45, NULL, exe, argv, sizeof(argv), 1, 1, 0});
	assert_int_equal(tell(proc, 50, json, sizeof(json)), 0);
	assert_true(strlen(json) <= IPC_EXEC_MAX);
	assert_non_null(strstr(json, "…\",\"argv\":[\"a"));
	assert_non_null(strstr(json, "\"…\"],\"parents\":[{\"pid\":45,\"exe\":\"/eee"));
	assert_non_null(strstr(json, "{\"pid\":44,\"exe\":"));
}

static void test_one_long_argument_is_cut_at_a_character(void **state)
{
	struct fake_proc *proc = *state;
	char json[IPC_EXEC_MAX + 1], argv[6001];

	for (size_t i = 0; i < 6000; i += 3)
		memcpy(argv + i, "\xe2\x82\xac", 3);
	argv[6000] = '\0';
	fake_process(proc,
		     &(struct fake_process){50, INIT, NULL, "/e", argv, sizeof(argv), 1, 1, 0});
	assert_int_equal(tell(proc, 50, json, sizeof(json)), 0);
	assert_null(strstr(json, "ufffd"));
	assert_non_null(strstr(json, "\xe2\x82\xac…\"]"));
}

static void test_one_that_ended_is_not_told(void **state)
{
	struct fake_proc *proc = *state;
	char json[IPC_EXEC_MAX + 1];

	fake_process(proc,
		     &(struct fake_process){.pid = 40, .parent = INIT, .start = 1, .state = 'Z'});
	assert_int_equal(tell(proc, 40, json, sizeof(json)), -ESRCH);
	/* Its image goes before its descriptors do. */
	fake_process(proc, &(struct fake_process){.pid = 42, .parent = INIT, .start = 1});
	assert_int_equal(tell(proc, 42, json, sizeof(json)), -ESRCH);
	assert_int_equal(tell(proc, 41, json, sizeof(json)), -ENOENT);
}

struct change {
	struct fake_proc *proc;
	struct fake_process after;
};

/* A pipe in place of cmdline: the reader waits there until the process is another. */
static void *execute_meanwhile(void *arg)
{
	struct change *change = arg;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/40/cmdline", change->proc->path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	fake_stat(change->proc, &change->after);
	assert_int_equal(write(fd, "b", 2), 2);
	close(fd);
	return NULL;
}

static void test_parts_of_two_programs_are_not_mixed(void **state)
{
	struct fake_proc *proc = *state;
	struct change change = {proc, {40, INIT, NULL, "/bin/b", NULL, 0, 1, 2, 0}};
	char json[IPC_EXEC_MAX + 1], path[128];
	pthread_t thread;

	fake_process(proc, &(struct fake_process){40, INIT, NULL, "/bin/a", NULL, 0, 1, 1, 0});
	snprintf(path, sizeof(path), "%s/40/cmdline", proc->path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	pthread_create(&thread, NULL, execute_meanwhile, &change);
	assert_int_equal(tell(proc, 40, json, sizeof(json)), -EAGAIN);
	assert_string_equal(json, "");
	pthread_join(thread, NULL);
}

/* Its children have another parent at once; the number may be a stranger's. */
static void test_a_parent_that_ended_is_no_parent(void **state)
{
	struct fake_proc *proc = *state;
	char json[IPC_EXEC_MAX + 1];

	fake_process(proc, &(struct fake_process){30, INIT, NULL, "/bin/p", NULL, 0, 1, 1, 0});
	fake_process(proc, &(struct fake_process){40, 31, NULL, "/bin/c", NULL, 0, 1, 1, 0});
	assert_int_equal(tell(proc, 40, json, sizeof(json)), 0);
	assert_string_equal(member(json, "parents"), "[]");
}

static void test_a_thread_is_told_as_its_process(void **state)
{
	struct fake_proc *proc = *state;
	const struct owner_sources sources = {
		.proc_fd = proc->fd, .diag_fd = -1, .root_fd = -1, .init = INIT};
	static const char status[] = "Name:\tx\nTgid:\t40\nPid:\t41\n";
	autobuf struct buf b = BUF_INIT(IPC_EXEC_MAX);

	fake_process(proc, &(struct fake_process){40, INIT, NULL, "/bin/p", NULL, 0, 5, 1, 0});
	fake_process(proc, &(struct fake_process){41, INIT, NULL, "/bin/p", NULL, 0, 9, 1, 0});
	fake_write(proc, 41, "status", status, strlen(status));
	assert_int_equal(owner_describe(&sources, 41, &b), 0);
	assert_memory_equal(b.data, "{\"id\":\"40-5-", 12);
	buf_clear(&b);
	assert_int_equal(owner_describe(&sources, 99, &b), 0);
	assert_memory_equal(b.data, "{\"unknown\":\"", 12);
}

/* In the jail's mounts, which are those below @root, or not. */
static void check_name(struct fake_proc *proc, const char *root, const char *exe, bool is_there)
{
	struct owner_sources sources = {.proc_fd = proc->fd, .diag_fd = -1, .init = INIT};
	char json[IPC_EXEC_MAX + 1], expected[256], command[512];

	fake_process(proc, &(struct fake_process){.pid = 40, .parent = 41, .exe = exe, .start = 1});
	fake_process(proc, &(struct fake_process){.pid = 41, .parent = 1, .exe = exe, .start = 1});
	sources.root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(sources.root_fd >= 0);
	assert_int_equal(tell_from(&sources, 40, json, sizeof(json)), 0);
	snprintf(expected, sizeof(expected), "\"%s%s\"", exe,
		 is_there ? "" : " (not the jail's file of that name)");
	assert_string_equal(member(json, "exe"), expected);
	snprintf(command, sizeof(command), "[{\"pid\":41,\"exe\":%s}]", expected);
	assert_string_equal(member(json, "parents"), command);
	close(sources.root_fd);
	snprintf(command, sizeof(command), "rm -r %s/40 %s/41", proc->path, proc->path);
	assert_int_equal(system(command), 0);
}

static void test_a_name_in_mounts_of_its_own_is_told_as_such(void **state)
{
	struct fake_proc *proc = *state;
	char command[1024], exe[96], root[96], removed[32];
	int fd;

	snprintf(exe, sizeof(exe), "%s/program", proc->path);
	snprintf(root, sizeof(root), "%s/root", proc->path);
	snprintf(command, sizeof(command), "mkdir -p %s%s && echo a >%s && echo b >%s%s", root,
		 proc->path, exe, root, exe);
	assert_int_equal(system(command), 0);
	check_name(proc, "/", exe, true);
	check_name(proc, proc->path, exe, false); /* nothing has that name there */
	check_name(proc, root, exe, false);       /* another file has */
	snprintf(command, sizeof(command), "ln -f %s %s%s", exe, root, exe);
	assert_int_equal(system(command), 0);
	check_name(proc, root, exe, true);
	snprintf(command, sizeof(command), "rm %s%s && ln -s /program %s%s && ln %s %s/program",
		 root, exe, root, exe, exe, root);
	assert_int_equal(system(command), 0);
	check_name(proc, root, exe, false); /* a link: no program's name */

	/* One that was removed has none; what the kernel says of it stays as it is. */
	fd = open(exe, O_RDONLY | O_CLOEXEC);
	snprintf(removed, sizeof(removed), "/proc/self/fd/%d", fd);
	snprintf(command, sizeof(command), "rm %s %s/program", exe, root);
	assert_int_equal(system(command), 0);
	check_name(proc, root, removed, true);
	close(fd);
}

static void test_behind_a_long_path_it_is_told_as_well(void **state)
{
	static const char mark[] = "… (not the jail's file of that name)\"";
	struct fake_proc *proc = *state;
	struct owner_sources sources = {.proc_fd = proc->fd, .diag_fd = -1, .init = INIT};
	char json[IPC_EXEC_MAX + 1], exe[3500];
	size_t n;

	memset(exe, '/', sizeof(exe));
	snprintf(exe + sizeof(exe) - 8, 8, "program");
	fake_process(proc, &(struct fake_process){.pid = 40, .parent = 1, .exe = exe, .start = 1});
	sources.root_fd = proc->fd;
	assert_int_equal(tell_from(&sources, 40, json, sizeof(json)), 0);
	n = strlen(member(json, "exe"));
	assert_true(n > sizeof(mark) && n <= 1024);
	assert_string_equal(member(json, "exe") + n - (sizeof(mark) - 1), mark);
}

#define WITH_PROC(test) cmocka_unit_test_setup_teardown(test, fake_proc_new, fake_proc_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PROC(test_a_process_is_told_with_its_parents),
		WITH_PROC(test_another_program_in_the_same_process_has_another_id),
		WITH_PROC(test_a_name_cannot_pass_for_other_fields),
		WITH_PROC(test_bytes_of_any_kind_become_one_line_of_json),
		WITH_PROC(test_what_cannot_be_read_is_left_out),
		WITH_PROC(test_long_parts_are_cut_each_to_its_share),
		WITH_PROC(test_one_long_argument_is_cut_at_a_character),
		WITH_PROC(test_one_that_ended_is_not_told),
		WITH_PROC(test_parts_of_two_programs_are_not_mixed),
		WITH_PROC(test_a_parent_that_ended_is_no_parent),
		WITH_PROC(test_a_thread_is_told_as_its_process),
		WITH_PROC(test_a_name_in_mounts_of_its_own_is_told_as_such),
		WITH_PROC(test_behind_a_long_path_it_is_told_as_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
