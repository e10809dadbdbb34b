// SPDX-License-Identifier: Apache-2.0
/*
 * escape list                        each probe: section, name, attempt, held in A, in B, absent
 * escape run WORLD [NAME…]           make these attempts, or all: a line "NAME<tab>OUTCOME" each
 *
 * OUTCOME is "reached WHAT" or "stopped STEP:WHY". WORLD holds lines NAME=VALUE; while it does
 * not exist it is waited for, and WORLD.wanted says so.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "escape.h"
#include "tables.h"

#define OUTCOME_FD    100
#define OUTCOME_BYTES 256

static const struct {
	const char *section;
	const struct probe *probes;
} tables[] = {
	{"Sockets", probes_inet},
	{"Sockets", probes_unix},
	{"Kernel surface", probes_namespaces},
	{"Kernel surface", probes_kernel},
	{"Kernel surface", probes_admin},
	{"Roles", probes_processes},
	{"Files", probes_files},
	{"Files", probes_creations},
	{"Lifecycle", probes_life},
	{"Peers", probes_peers},
	{"Peers", probes_peers_unix},
	{"Peers", probes_peers_files},
};

#define N_TABLES (sizeof(tables) / sizeof(tables[0]))

static int inherited = -1;
static const char *world_path;

int first_inherited(void)
{
	return inherited;
}

static int find_inherited(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	int found = -1;

	while (dir && (entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (fd > STDERR_FILENO && fd != dirfd(dir) && (found < 0 || fd < found))
			found = fd;
	}
	if (dir)
		closedir(dir);
	return found;
}

const char *world(const char *name)
{
	static char line[TARGET_BYTES];
	FILE *f = fopen(world_path, "re");
	size_t n = strlen(name);

	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, name, n) && line[n] == '=') {
			fclose(f);
			return line + n + 1;
		}
	}
	stopped_by("world", name);
}

static void expand(const char *text, char *ret)
{
	size_t used = 0;

	while (*text && used < TARGET_BYTES - 1) {
		char name[64];
		int n = 0;

		if (*text == '{' && sscanf(text, "{%63[a-z_]}%n", name, &n) == 1 && n) {
			used += (size_t)snprintf(ret + used, TARGET_BYTES - used, "%s",
						 world(name));
			text += n;
		} else {
			ret[used++] = *text++;
		}
	}
	ret[used < TARGET_BYTES ? used : TARGET_BYTES - 1] = '\0';
}

const char *target(const struct probe *probe, int n)
{
	static char text[4][TARGET_BYTES];
	char *word, *rest = text[n];

	expand(probe->target ? probe->target : "", text[n]);
	for (int i = 0; (word = strsep(&rest, " ")); i++)
		if (i == n)
			return word;
	stopped_by("target", "MISSING");
}

/* --- one probe ---------------------------------------------------------------- */

static _Noreturn void attempt(const struct probe *probe, int out)
{
	setsid();
	dup2(out, OUTCOME_FD);
	fcntl(OUTCOME_FD, F_SETFD, FD_CLOEXEC);
	if (probe->run)
		probe->run(probe);
	else
		stopped_unless(syscall(probe->nr, probe->args[0], probe->args[1], probe->args[2],
				       probe->args[3], probe->args[4], probe->args[5]),
			       "call");
	stopped_by("probe", "SILENT");
}

static void say(const char *text)
{
	if (write(OUTCOME_FD, text, strlen(text)) < 0)
		_exit(2);
}

/* What it left behind in its session must not disturb the next. */
static void await(pid_t pid)
{
	struct pollfd pfd = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};

	if (pfd.fd < 0 || poll(&pfd, 1, PROBE_LIMIT_MS) != 1)
		kill(pid, SIGKILL);
	kill(-pid, SIGKILL);
	close(pfd.fd);
}

static void make(const struct probe *probe)
{
	char outcome[OUTCOME_BYTES] = "";
	int fds[2], status = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) || (pid = fork()) < 0) {
		printf("%s\tstopped fork:%s\n", probe->name, strerrorname_np(errno));
		return;
	}
	if (!pid)
		attempt(probe, fds[1]);
	close(fds[1]);
	await(pid);
	waitpid(pid, &status, 0);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	n = read(fds[0], outcome, sizeof(outcome) - 1);
	close(fds[0]);
	outcome[n > 0 ? n : 0] = '\0';
	outcome[strcspn(outcome, "\n\t")] = '\0';
	if (*outcome)
		printf("%s\t%s\n", probe->name, outcome);
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		printf("%s\tstopped probe:TIMEOUT\n", probe->name);
	else if (WIFSIGNALED(status))
		printf("%s\tstopped probe:SIG%s\n", probe->name, sigabbrev_np(WTERMSIG(status)));
	else
		printf("%s\tstopped probe:SILENT\n", probe->name);
	fflush(stdout);
}

void reached(const char *format, ...)
{
	char what[OUTCOME_BYTES / 2], line[OUTCOME_BYTES];
	va_list ap;

	va_start(ap, format);
	vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	snprintf(line, sizeof(line), "reached %s\n", what);
	say(line);
	_exit(0);
}

void stopped_by(const char *step, const char *why)
{
	char line[OUTCOME_BYTES];

	snprintf(line, sizeof(line), "stopped %s:%s\n", step, why);
	say(line);
	_exit(0);
}

void stopped(const char *step)
{
	const char *name = strerrorname_np(errno);

	stopped_by(step, name ? name : "?");
}

void stopped_unless(long result, const char *step)
{
	if (result < 0)
		stopped(step);
	reached("%s: %ld", step, result);
}

/* Whoever is outside writes the world's file once it has seen that we run. */
static void await_world(void)
{
	char wanted[TARGET_BYTES];

	snprintf(wanted, sizeof(wanted), "%s.wanted", world_path);
	close(open(wanted, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	for (int i = 0; i < 1000 && access(world_path, R_OK); i++)
		usleep(10000);
}

/* --- the program --------------------------------------------------------------- */

static const char *or_dash(const char *text)
{
	return text ? text : "-";
}

static int list(void)
{
	for (size_t t = 0; t < N_TABLES; t++)
		for (const struct probe *p = tables[t].probes; p->name; p++)
			printf("%s\t%s\t%s\t%s\t%s\t%s\n", tables[t].section, p->name, p->attempt,
			       p->held, or_dash(p->held_b), or_dash(p->absent));
	return 0;
}

static int is_wanted(const char *name, char **names)
{
	if (!*names)
		return 1;
	while (*names)
		if (!strcmp(*names++, name))
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "list"))
		return list();
	if (argc < 3 || strcmp(argv[1], "run")) {
		fprintf(stderr, "usage: escape list | escape run WORLD [NAME…]\n");
		return 2;
	}
	world_path = argv[2];
	inherited = find_inherited();
	await_world();
	for (size_t t = 0; t < N_TABLES; t++)
		for (const struct probe *p = tables[t].probes; p->name; p++)
			if (is_wanted(p->name, argv + 3))
				make(p);
	return 0;
}
