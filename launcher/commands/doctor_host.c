// SPDX-License-Identifier: Apache-2.0
/*
 * What of the machine is not the jail's: where we are, and what every run uses.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/ca_bundles.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "caller_proxy.h"
#include "commands/doctor_parts.h"
#include "policy/policy.h"
#include "state/places.h"

/* --- where we are --------------------------------------------------------------------- */

/* Return: whether the file's first 4 kB hold @text */
static bool file_has(const char *path, const char *text)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	char bytes[4096];
	ssize_t n = fd < 0 ? 0 : read(fd, bytes, sizeof(bytes) - 1);

	return n > 0 && memmem(bytes, (size_t)n, text, strlen(text));
}

/* What the container engines leave as a mark, the most exact first. */
static const struct {
	const char *path, *text; /* a file that is there; with that text, unless NULL */
	const char *variable;    /* instead: set in the environment */
	const char *container;
} marks[] = {
	{NULL, NULL, "KUBERNETES_SERVICE_HOST", "kubernetes"},
	{"/run/.containerenv", NULL, NULL, "podman"},
	{"/.dockerenv", NULL, NULL, "docker"},
	{"/proc/1/cgroup", "/docker", NULL, "docker"},
	{"/proc/1/cgroup", "/libpod", NULL, "podman"},
	{"/proc/1/cgroup", "/kubepods", NULL, "kubernetes"},
	{"/proc/1/environ", "container=lxc", NULL, "lxc"},
	{"/run/systemd/container", NULL, NULL, "a container"},
};

static const char *find_container(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
		if (marks[i].variable ? getenv(marks[i].variable) != NULL
		    : marks[i].text   ? file_has(marks[i].path, marks[i].text)
				      : access(marks[i].path, F_OK) == 0)
			return marks[i].container;
	}
	return NULL;
}

/* The machine's own maps every id as itself. */
static bool is_in_userns(void)
{
	FILE *f = fopen("/proc/self/uid_map", "re");
	unsigned inside, outside, count;
	bool is_whole;

	if (!f)
		return false;
	is_whole = fscanf(f, "%u %u %u", &inside, &outside, &count) == 3 && !inside && !outside &&
		   count == UINT32_MAX;
	fclose(f);
	return !is_whole;
}

void host_facts_read(struct host_facts *ret)
{
	const char *jail = getenv("MCPJAIL");
	struct utsname name;

	*ret = (struct host_facts){.container = find_container(), .is_root = geteuid() == 0};
	if (!uname(&name))
		snprintf(ret->kernel, sizeof(ret->kernel), "%.32s %.64s %.16s", name.sysname,
			 name.release, name.machine);
	ret->is_in_userns = is_in_userns();
	ret->has_filter = file_has("/proc/self/status", "\nSeccomp:\t2\n");
	ret->is_in_a_jail = jail && !strcmp(jail, "1");
}

/* --- what every run uses ------------------------------------------------------------------ */

static void take_error(struct check *c, const struct error *err)
{
	snprintf(c->detail, sizeof(c->detail), "%.200s%s%.300s", err->where,
		 err->where[0] ? ": " : "", err->what);
	snprintf(c->mend, sizeof(c->mend), "%.500s", err->mend);
}

static void check_policy(struct check *c)
{
	autobuf struct buf text = BUF_INIT(0);
	autopolicyerrors struct policy_errors errors = {.n = 0};
	autopolicy struct policy *policy = NULL;
	char path[PATH_MAX];
	struct error err = {.where = ""};
	const char *bytes;
	size_t n;

	if (places_policy(NULL, path, &text, &err)) {
		take_error(c, &err);
		return;
	}
	bytes = path[0] ? (const char *)text.data : policy_builtin(&n);
	if (path[0])
		n = text.len;
	snprintf(c->detail, sizeof(c->detail), "%.500s", path[0] ? path : POLICY_BUILTIN_NAME);
	if (!policy_parse(bytes ? bytes : "", n, path, &policy, &errors)) {
		c->state = CHECK_OK;
		return;
	}
	if (policy_errors_count(&errors))
		take_error(c, policy_errors_at(&errors, 0));
	snprintf(c->mend, sizeof(c->mend), "mcpjail policy check %.400s", path);
}

/* Opening it is what a run does; a file that comes and goes shows that it can be written. */
static void check_state_dir(struct check *c)
{
	struct place state = {.fd = -1};
	struct error err = {.where = ""};
	char name[32];

	if (places_state_dir(&state, &err)) {
		take_error(c, &err);
		return;
	}
	snprintf(name, sizeof(name), ".doctor.%d", (int)getpid());
	autoclose int dir = state.fd;
	autoclose int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0) {
		snprintf(c->detail, sizeof(c->detail), "%.400s: %s", state.path, strerror(errno));
		snprintf(c->mend, sizeof(c->mend), "make it writable, or set XDG_STATE_HOME");
		return;
	}
	unlinkat(dir, name, 0);
	snprintf(c->detail, sizeof(c->detail), "%.500s", state.path);
	c->state = CHECK_OK;
}

static void check_bundle(struct check *c)
{
	const char *own = getenv("SSL_CERT_FILE");

	for (size_t i = 0; i < ARRAY_SIZE(ca_bundles); i++) {
		if (access(ca_bundles[i], R_OK))
			continue;
		snprintf(c->detail, sizeof(c->detail), "%s%s%.300s", ca_bundles[i],
			 own && *own ? "; SSL_CERT_FILE is " : "", own && *own ? own : "");
		c->state = CHECK_OK;
		return;
	}
	snprintf(c->detail, sizeof(c->detail),
		 "no file of certificates is where systems keep it: no server can be verified");
	snprintf(c->mend, sizeof(c->mend),
		 "sudo apt-get install ca-certificates, or mcpjail --upstream-ca FILE");
}

static void check_proxy(struct check *c)
{
	char words[CALLER_PROXY_WORDS], safe[DOCTOR_TEXT_MAX / 2];
	struct caller_proxy proxy;
	struct error err = {.where = ""};

	if (caller_proxy_read(&proxy, &err)) {
		take_error(c, &err);
		return;
	}
	c->state = CHECK_OK;
	if (!proxy.variable) {
		snprintf(c->detail, sizeof(c->detail), "none is set: servers are dialled directly");
		return;
	}
	caller_proxy_words(&proxy, words);
	text_escape_terminal(words, strlen(words), safe, sizeof(safe));
	snprintf(c->detail, sizeof(c->detail), "%s%s", safe,
		 proxy.no_proxy[0] ? "; not for what NO_PROXY names" : "");
}

static const struct {
	const char *name, *gives;
	void (*look)(struct check *c);
} checks[] = {
	{"policy", "what is allowed", check_policy},
	{"state directory", "records, limits", check_state_dir},
	{"certificates", "trust in servers", check_bundle},
	{"proxy", "the way out of a corporate network", check_proxy},
};

size_t host_checks(struct check *ret, size_t max)
{
	size_t n = 0;

	for (; n < ARRAY_SIZE(checks) && n < max; n++) {
		ret[n] = (struct check){
			.name = checks[n].name, .gives = checks[n].gives, .weight = CHECK_MACHINE};
		checks[n].look(&ret[n]);
	}
	return n;
}
