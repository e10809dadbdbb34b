// SPDX-License-Identifier: Apache-2.0
/*
 * The doctor's jails are made by this very program, as a person would start it, in a
 * directory that is gone afterwards: with a state and a policy of their own and without the
 * person's HTTPS_PROXY, so that no limit is charged, no run is left, and a mistake in
 * either is not mistaken for a fault of the machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/text.h"
#include "caller_proxy.h"
#include "commands/doctor_parts.h"

#define ARGUMENTS_MAX  48
#define JAIL_TIMEOUT_S 15
#define TICK_MS        100 /* between looks at signals that wait */
#define POLICY_TEXT                                                                                \
	"{\"version\":\"1\",\"default\":\"deny\",\"egress\":[{\"host\":\"" DOCTOR_HOST "\"}]}\n"

static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP};

/* --- the place --------------------------------------------------------------------- */

static int write_policy(const struct doctor_place *place)
{
	char path[PATH_MAX];
	autoclose int fd = -1;

	snprintf(path, sizeof(path), "%s/policy.json", place->path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : io_write_all(fd, POLICY_TEXT, strlen(POLICY_TEXT));
}

int doctor_place_make(struct doctor_place *ret)
{
	const char *tmp = getenv("TMPDIR");
	struct doctor_place place = {.path = ""};
	ssize_t n = readlink("/proc/self/exe", place.self, sizeof(place.self) - 1);
	char path[PATH_MAX], dir[PATH_MAX];
	int r = 0;

	if (n < 0)
		return -errno;
	if (!realpath(tmp && *tmp ? tmp : "/tmp", dir))
		return -errno;
	if (snprintf(place.path, sizeof(place.path), "%s/mcpjail-doctor.XXXXXX", dir) >=
	    (int)sizeof(place.path))
		return -ENAMETOOLONG;
	if (!mkdtemp(place.path))
		return -errno;
	snprintf(path, sizeof(path), "%s/work", place.path);
	if (mkdir(path, 0700))
		r = -errno;
	if (!r)
		r = write_policy(&place);
	if (r)
		doctor_place_remove(&place);
	else
		*ret = place;
	return r;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

void doctor_place_remove(struct doctor_place *place)
{
	if (place->path[0])
		nftw(place->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	place->path[0] = '\0';
}

/* --- one command in a jail ---------------------------------------------------------- */

static size_t add_all(const char **argv, size_t n, const char *const *more)
{
	for (; more && *more && n < ARGUMENTS_MAX - 1; more++)
		argv[n++] = *more;
	return n;
}

static _Noreturn void become_mcpjail(const struct doctor_place *place,
				     const struct doctor_command *command, int output)
{
	char policy[PATH_MAX], path[PATH_MAX];
	const char *const own[] = {place->self, "run", "--quiet", "--policy", policy, NULL};
	const char *argv[ARGUMENTS_MAX] = {NULL};
	size_t n = add_all(argv, 0, own);
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* A group of its own: a terminal's Ctrl-C is the doctor's, who ends it. */
	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	snprintf(policy, sizeof(policy), "%s/policy.json", place->path);
	n = add_all(argv, n, command->options);
	argv[n++] = "--";
	add_all(argv, n, command->argv);
	snprintf(path, sizeof(path), "%s/state", place->path);
	setenv("XDG_STATE_HOME", path, 1);
	unsetenv("MCPJAIL_GRANT");
	caller_proxy_forget();
	for (const char *const *e = command->environment; e && *e; e++)
		putenv((char *)(uintptr_t)*e);
	snprintf(path, sizeof(path), "%s/work", place->path);
	if (!chdir(path) && dup2(output, STDOUT_FILENO) >= 0 && dup2(output, STDERR_FILENO) >= 0 &&
	    freopen("/dev/null", "r", stdin))
		execv(place->self, (char *const *)(uintptr_t)argv);
	_exit(127);
}

void doctor_hold_signals(sigset_t *ret_before)
{
	sigset_t held;

	sigemptyset(&held);
	for (size_t i = 0; i < ARRAY_SIZE(ending_signals); i++)
		sigaddset(&held, ending_signals[i]);
	sigprocmask(SIG_BLOCK, &held, ret_before);
}

bool doctor_is_ending(void)
{
	sigset_t pending;

	sigpending(&pending);
	for (size_t i = 0; i < ARRAY_SIZE(ending_signals); i++)
		if (sigismember(&pending, ending_signals[i]) == 1)
			return true;
	return false;
}

/* Up to the end of the output, which is the end of the jail. Return: 0; -ETIMEDOUT; -EINTR */
static int collect(int fd, unsigned timeout_s, struct buf *ret_output)
{
	uint64_t until = clock_mono_ms() + timeout_s * 1000u;

	while (clock_mono_ms() < until) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		char bytes[4096];
		ssize_t n;

		if (doctor_is_ending())
			return -EINTR;
		if (poll(&p, 1, TICK_MS) <= 0)
			continue;
		n = read(fd, bytes, sizeof(bytes));
		if (n <= 0)
			return 0;
		(void)buf_append(ret_output, bytes, (size_t)n);
	}
	return -ETIMEDOUT;
}

int doctor_run(const struct doctor_place *place, const struct doctor_command *command,
	       struct buf *ret_output)
{
	autoclose int out = -1, in = -1;
	int pair[2], status, r;
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC))
		return -errno;
	out = pair[0];
	in = pair[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid)
		become_mcpjail(place, command, in);
	fd_close(&in);
	r = collect(out, command->timeout_s, ret_output);
	/* The jail dies with its supervisor. */
	if (r)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r)
		return r;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* --- can a jail be made --------------------------------------------------------------- */

/* status.json's list, joined with commas. */
static void join_layers(const json_t *layers, char *ret, size_t size)
{
	const json_t *layer;
	size_t i, used = 0;

	ret[0] = '\0';
	json_array_foreach (layers, i, layer) {
		const char *name = json_string_value(layer);
		int n = snprintf(ret + used, size - used, "%s%s", i ? "," : "", name ? name : "");

		if (n < 0 || (size_t)n >= size - used)
			return;
		used += (size_t)n;
	}
}

/* mcpjail's own words, without its name, on one line. */
static void take_reason(const struct buf *output, char *ret, size_t size)
{
	struct span text = span_bytes(output->data, output->len);
	static const char prefix[] = "mcpjail: ";
	static const char obvious[] = "; the jail could not be made";
	const char *end;
	char *tail;

	if (text.n > strlen(prefix) && !strncmp(text.p, prefix, strlen(prefix))) {
		text.p += strlen(prefix);
		text.n -= strlen(prefix);
	}
	end = text.n ? memchr(text.p, '\n', text.n) : NULL;
	text_escape_terminal(text.p, end ? (size_t)(end - text.p) : text.n, ret, size);
	tail = strstr(ret, obvious);
	if (tail)
		*tail = '\0';
}

void doctor_try_jail(const struct doctor_place *place, const char *tier, struct jail_verdict *ret)
{
	autobuf struct buf output = BUF_INIT(DOCTOR_OUTPUT_MAX);
	char run_dir[PATH_MAX], path[PATH_MAX + 16];
	const char *const options[] = {"--run-dir", run_dir, tier ? "--tier" : NULL, tier, NULL};
	static const char *const argv[] = {"/bin/sh", "-c", ":", NULL};
	const struct doctor_command command = {
		.options = options, .argv = argv, .timeout_s = JAIL_TIMEOUT_S};
	const char *made;
	json_t *status;
	int r;

	*ret = (struct jail_verdict){.tier = ""};
	snprintf(run_dir, sizeof(run_dir), "%s/run-%s", place->path, tier ? tier : "any");
	snprintf(path, sizeof(path), "%s/status.json", run_dir);
	r = doctor_run(place, &command, &output);
	if (r) {
		take_reason(&output, ret->reason, sizeof(ret->reason));
		if (!ret->reason[0])
			snprintf(ret->reason, sizeof(ret->reason),
				 "a command in a jail ended with %s",
				 r < 0 ? strerror(-r) : "a failure");
		return;
	}
	status = json_load_file(path, 0, NULL);
	made = json_string_value(json_object_get(status, "tier"));
	snprintf(ret->tier, sizeof(ret->tier), "%s", made ? made : "");
	join_layers(json_object_get(status, "layers"), ret->layers, sizeof(ret->layers));
	json_decref(status);
	if (!ret->tier[0])
		snprintf(ret->reason, sizeof(ret->reason),
			 "a jail was made, but its status.json names no tier");
}
