// SPDX-License-Identifier: Apache-2.0
/*
 * The doctor's parts: its server, the jails it runs (with a script in mcpjail's place), and
 * its probes, on a machine that is made to refuse.
 */
#include "cmocka_all.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"
#include "commands/doctor_parts.h"

/* --- server --- */

/* As a client that trusts the doctor's authority. Return: whether the page came */
static bool fetch(const struct doctor_server *server, const char *request)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(server->port),
				      .sin_addr = {htonl(INADDR_LOOPBACK)}};
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	autoclose int fd = socket(AF_INET, SOCK_STREAM, 0);
	char answer[2048] = "";
	SSL *ssl;
	int n = 0;

	assert_int_equal(SSL_CTX_load_verify_locations(context, server->ca_path, NULL), 1);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ssl = SSL_new(context);
	SSL_set_fd(ssl, fd);
	SSL_set1_host(ssl, DOCTOR_HOST);
	if (SSL_connect(ssl) == 1 && SSL_write(ssl, request, (int)strlen(request)) > 0)
		n = SSL_read(ssl, answer, sizeof(answer) - 1);
	SSL_free(ssl);
	SSL_CTX_free(context);
	return n > 0 && strstr(answer, "HTTP/1.1 200 OK\r\n") == answer &&
	       strstr(answer, "refs/heads/mcpjail-doctor");
}

static const struct {
	const char *what, *request, *path;
	bool is_seen;
} requests[] = {
	{"the path itself", "GET /curl HTTP/1.1\r\n\r\n", "/curl", true},
	{"a path below", "GET /go/x/@v/list HTTP/1.1\r\n\r\n", "/go", true},
	{"a query does not count", "GET /git?service=x HTTP/1.1\r\n\r\n", "/git", true},
	{"another path", "GET /curl HTTP/1.1\r\n\r\n", "/git", false},
	{"a path that only begins alike", "GET /google HTTP/1.1\r\n\r\n", "/go", false},
	{"a path below another", "GET /x/go HTTP/1.1\r\n\r\n", "/go", false},
};

static void test_server_says_which_requests_came(void **state)
{
	struct doctor_place place;
	struct doctor_server server;

	(void)state;
	assert_int_equal(doctor_place_make(&place), 0);
	assert_int_equal(doctor_server_start(&place, &server), 0);
	assert_false(doctor_server_saw(&server, "/curl"));
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		print_message("%s\n", requests[i].what);
		assert_true(fetch(&server, requests[i].request));
		assert_int_equal(doctor_server_saw(&server, requests[i].path), requests[i].is_seen);
		assert_false(doctor_server_saw(&server, requests[i].path));
	}
	doctor_server_stop(&server);
	doctor_place_remove(&place);
}

/* A client that distrusts ends the handshake: nothing of it is taken for a request. */
static void test_server_takes_no_handshake_for_a_request(void **state)
{
	struct doctor_place place;
	struct doctor_server server;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	autoclose int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	assert_int_equal(doctor_place_make(&place), 0);
	assert_int_equal(doctor_server_start(&place, &server), 0);
	address.sin_port = htons(server.port);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(write(fd, "GET /curl HTTP/1.1\r\n\r\n", 22), 22);
	shutdown(fd, SHUT_WR);
	/* The one behind it is served all the same, and alone is seen. */
	assert_true(fetch(&server, "GET /git HTTP/1.1\r\n\r\n"));
	assert_false(doctor_server_saw(&server, "/curl"));
	doctor_server_stop(&server);
	doctor_place_remove(&place);
}

/* --- jails --- */

static void put_script(struct doctor_place *place, const char *text)
{
	autoclose int fd = -1;

	snprintf(place->self, sizeof(place->self), "%s/script", place->path);
	fd = open(place->self, O_WRONLY | O_CREAT | O_TRUNC, 0700);
	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, text, strlen(text)), 0);
}

static void test_run_starts_mcpjail_in_its_own_place(void **state)
{
	autobuf struct buf output = BUF_INIT(DOCTOR_OUTPUT_MAX);
	static const char *const options[] = {"--option", NULL}, *const argv[] = {"a b", "c", NULL},
				 *const environment[] = {"DOCTOR_TEST=1", NULL};
	const struct doctor_command command = {options, argv, environment, 10};
	struct doctor_place place;
	char wanted[2 * PATH_MAX];

	(void)state;
	assert_int_equal(doctor_place_make(&place), 0);
	put_script(&place, "#!/bin/sh\nprintf '%s|' \"$@\"\npwd -P\n"
			   "echo \"$XDG_STATE_HOME|$DOCTOR_TEST\" >&2\nexit 7\n");
	assert_int_equal(doctor_run(&place, &command, &output), 7);
	snprintf(wanted, sizeof(wanted),
		 "run|--quiet|--policy|%s/policy.json|--option|--|a b|c|%s/work\n%s/state|1\n",
		 place.path, place.path, place.path);
	assert_int_equal(buf_append(&output, "", 1), 0);
	assert_string_equal((const char *)output.data, wanted);
	doctor_place_remove(&place);
}

static void test_run_ends_what_takes_too_long(void **state)
{
	autobuf struct buf output = BUF_INIT(DOCTOR_OUTPUT_MAX);
	static const char *const argv[] = {"x", NULL};
	const struct doctor_command command = {.argv = argv, .timeout_s = 1};
	struct doctor_place place;
	uint64_t began = clock_mono_ms();

	(void)state;
	assert_int_equal(doctor_place_make(&place), 0);
	put_script(&place, "#!/bin/sh\necho begun\nexec sleep 30\n");
	assert_int_equal(doctor_run(&place, &command, &output), -ETIMEDOUT);
	assert_in_range(clock_mono_ms() - began, 900, 8000);
	assert_int_equal(output.len, strlen("begun\n"));
	doctor_place_remove(&place);
}

/* The signal itself waits until the doctor's place is gone. */
static void test_a_signal_ends_what_runs(void **state)
{
	autobuf struct buf output = BUF_INIT(DOCTOR_OUTPUT_MAX);
	static const char *const argv[] = {"x", NULL};
	const struct doctor_command command = {.argv = argv, .timeout_s = 20};
	const struct timespec none = {0, 0};
	uint64_t began = clock_mono_ms();
	struct doctor_place place;
	sigset_t before, term;

	(void)state;
	assert_int_equal(doctor_place_make(&place), 0);
	put_script(&place, "#!/bin/sh\nkill -TERM $PPID\nexec sleep 30\n");
	doctor_hold_signals(&before);
	assert_false(doctor_is_ending());
	assert_int_equal(doctor_run(&place, &command, &output), -EINTR);
	assert_true(doctor_is_ending());
	assert_in_range(clock_mono_ms() - began, 0, 8000);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	assert_int_equal(sigtimedwait(&term, NULL, &none), SIGTERM);
	sigprocmask(SIG_SETMASK, &before, NULL);
	doctor_place_remove(&place);
}

static void test_run_bounds_the_output(void **state)
{
	autobuf struct buf output = BUF_INIT(DOCTOR_OUTPUT_MAX);
	static const char *const argv[] = {"x", NULL};
	const struct doctor_command command = {.argv = argv, .timeout_s = 20};
	struct doctor_place place;

	(void)state;
	assert_int_equal(doctor_place_make(&place), 0);
	put_script(&place, "#!/bin/sh\nhead -c 300000 /dev/zero\n");
	assert_int_equal(doctor_run(&place, &command, &output), 0);
	assert_in_range(output.len, 1, DOCTOR_OUTPUT_MAX);
	doctor_place_remove(&place);
}

static void test_place_leaves_nothing(void **state)
{
	struct doctor_place place;
	char path[PATH_MAX], file[PATH_MAX + 16];
	struct stat st;

	(void)state;
	assert_int_equal(doctor_place_make(&place), 0);
	snprintf(path, sizeof(path), "%s", place.path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	snprintf(file, sizeof(file), "%s/work/link", path);
	assert_int_equal(symlink("/etc", file), 0);
	doctor_place_remove(&place);
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(stat("/etc/passwd", &st), 0);
}

static void test_a_jail_that_fails_gives_its_reason(void **state)
{
	struct doctor_place place;
	struct jail_verdict verdict;

	(void)state;
	assert_int_equal(doctor_place_make(&place), 0);
	put_script(&place, "#!/bin/sh\necho 'mcpjail: namespaces: no; sudo x; the jail could not "
			   "be made: nothing ran' >&2\nexit 125\n");
	doctor_try_jail(&place, NULL, &verdict);
	assert_string_equal(verdict.tier, "");
	assert_string_equal(verdict.reason, "namespaces: no; sudo x");
	doctor_place_remove(&place);
}

static void test_a_jail_says_its_tier_and_layers(void **state)
{
	struct doctor_place place;
	struct jail_verdict verdict;

	(void)state;
	assert_int_equal(doctor_place_make(&place), 0);
	put_script(&place, "#!/bin/sh\nmkdir \"$6\"\n"
			   "echo '{\"tier\":\"a\",\"layers\":[\"x\",\"y\"]}   ' "
			   ">\"$6/status.json\"\n");
	doctor_try_jail(&place, NULL, &verdict);
	assert_string_equal(verdict.reason, "");
	assert_string_equal(verdict.tier, "a");
	assert_string_equal(verdict.layers, "x,y");
	doctor_place_remove(&place);
}

static bool tells(const struct tier_verdict *t, const char *words)
{
	for (size_t i = 0; t->cannot[i]; i++)
		if (strstr(t->cannot[i], words))
			return true;
	return false;
}

static void test_tiers_are_tried_and_what_they_lack_is_told(void **state)
{
	struct tier_verdict tiers[DOCTOR_TIERS];
	struct doctor_place place;
	char reason[DOCTOR_TEXT_MAX];

	(void)state;
	assert_int_equal(doctor_place_make(&place), 0);
	put_script(&place,
		   "#!/bin/sh\n"
		   "case \"$*\" in *'--tier a'*) echo 'mcpjail: no, never' >&2; exit 125;; esac\n"
		   "mkdir \"$6\"\n"
		   "echo '{\"tier\":\"b\",\"layers\":[\"seccomp\",\"ports\",\"cgroup\"]}' "
		   ">\"$6/status.json\"\n");
	tiers_examine(&place, tiers, reason);
	assert_string_equal(reason, "");
	assert_string_equal(tiers[0].name, "a");
	assert_false(tiers[0].is_chosen);
	assert_string_equal(tiers[0].jail.tier, "");
	assert_string_equal(tiers[0].jail.reason, "no, never");
	assert_null(tiers[0].cannot[0]);
	assert_true(tiers[1].is_chosen);
	assert_string_equal(tiers[1].jail.layers, "seccomp,ports,cgroup");
	assert_true(tells(&tiers[1], "sees other processes"));
	assert_true(tells(&tiers[1], "signals to other"));
	assert_true(tells(&tiers[1], "number of processes"));
	assert_true(tells(&tiers[1], "network has no second wall"));
	assert_false(tells(&tiers[1], "TCP past the broker"));
	assert_false(tells(&tiers[1], "limits count for each"));
	assert_false(tells(&tiers[1], "are not recorded"));

	put_script(&place, "#!/bin/sh\necho 'mcpjail: nothing works' >&2\nexit 125\n");
	tiers_examine(&place, tiers, reason);
	assert_string_equal(reason, "nothing works");
	assert_false(tiers[0].is_chosen || tiers[1].is_chosen);
	doctor_place_remove(&place);
}

/* --- probes --- */

static const struct check *find(const struct check *checks, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(checks[i].name, name))
			return &checks[i];
	return NULL;
}

static void test_probes_find_what_a_jail_needs_here(void **state)
{
	struct check checks[DOCTOR_CHECKS_MAX];
	struct host_facts facts;
	size_t n;

	(void)state;
	host_facts_read(&facts);
	n = probes_run(&facts, checks, DOCTOR_CHECKS_MAX);
	assert_in_range(n, 8, DOCTOR_CHECKS_MAX);
	for (size_t i = 0; i < n; i++) {
		print_message("%s: %s\n", checks[i].name, checks[i].detail);
		if (checks[i].weight <= CHECK_TIER_B)
			assert_int_equal(checks[i].state, CHECK_OK);
		assert_int_equal(checks[i].mend[0] != '\0', checks[i].state == CHECK_MISSING);
	}
	assert_int_equal(probes_run(&facts, checks, 3), 3);
}

/* In a child: a user namespace in which no other may be made. Return: whether that worked */
static bool forbid_user_namespaces(void)
{
	unsigned uid = geteuid();
	char map[64];
	autoclose int uids = -1, limit = -1;

	if (unshare(CLONE_NEWUSER))
		return false;
	uids = open("/proc/self/uid_map", O_WRONLY);
	snprintf(map, sizeof(map), "0 %u 1\n", uid);
	if (write(uids, map, strlen(map)) < 0)
		return false;
	limit = open("/proc/sys/user/max_user_namespaces", O_WRONLY);
	return write(limit, "0\n", 2) == 2;
}

static bool forbidden_namespaces_are_told(void)
{
	struct check checks[DOCTOR_CHECKS_MAX];
	const struct check *user, *overlay;
	struct host_facts facts;
	size_t n;

	if (!forbid_user_namespaces())
		return false;
	host_facts_read(&facts);
	facts.container = "docker"; /* The setting that is seen comes before a guess. */
	n = probes_run(&facts, checks, DOCTOR_CHECKS_MAX);
	user = find(checks, n, "user namespace");
	overlay = find(checks, n, "overlay");
	if (!user || !overlay)
		return false;
	return user->state == CHECK_MISSING && strstr(user->mend, "user.max_user_namespaces") &&
	       find(checks, n, "capture")->state == CHECK_UNTRIED &&
	       overlay->state == CHECK_UNTRIED && !overlay->mend[0] &&
	       find(checks, n, "seccomp filter")->state == CHECK_OK;
}

static void test_probes_name_the_setting_that_forbids(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(forbidden_namespaces_are_told() ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server_says_which_requests_came),
		cmocka_unit_test(test_server_takes_no_handshake_for_a_request),
		cmocka_unit_test(test_run_starts_mcpjail_in_its_own_place),
		cmocka_unit_test(test_run_ends_what_takes_too_long),
		cmocka_unit_test(test_a_signal_ends_what_runs),
		cmocka_unit_test(test_run_bounds_the_output),
		cmocka_unit_test(test_place_leaves_nothing),
		cmocka_unit_test(test_a_jail_that_fails_gives_its_reason),
		cmocka_unit_test(test_a_jail_says_its_tier_and_layers),
		cmocka_unit_test(test_tiers_are_tried_and_what_they_lack_is_told),
		cmocka_unit_test(test_probes_find_what_a_jail_needs_here),
		cmocka_unit_test(test_probes_name_the_setting_that_forbids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
