// SPDX-License-Identifier: Apache-2.0
/*
 * Each case has an /etc, an /opt and a /run of its own, in namespaces of a child, laid out as a
 * system has them. What programs trust there is seen in tests/jail/trust_stores.t.
 */
#include "cmocka_all.h"

#include "jail/files/trust_places.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/files/trust_files.h"
#include "trust/ca.h"
#include "trust/nss_store.h"

#define TEXT_MAX    4096
#define ENTRIES_MAX 6
#define HASH        0x0badcafeu
#define BUNDLE      "our bundle\n" /* what a program reads of it is not ours to say here */
#define NSS_DIR     "/etc/home/.pki/nssdb"

static struct buf ca_pem_text = BUF_INIT(8192);

#define PEM  ((const char *)ca_pem_text.data) /* of a path: it has the CA itself */
#define GONE "(none)"

static const struct scene {
	const char *name;
	const char *made[ENTRIES_MAX]; /* "dir/", "file=text", "link>where it leads" */
	/* What is then to be read at a path; GONE: nothing. */
	struct {
		const char *path, *text;
	} seen[ENTRIES_MAX];
} scenes[] = {
	{"nothing is made where nothing is",
	 {"/etc/other/"},
	 {{"/etc/ssl", GONE}, {"/etc/pki", GONE}, {"/etc/chromium", GONE}}},
	{"a directory by hash keeps its own, and gets ours",
	 {"/etc/ssl/certs/system.pem=theirs\n"},
	 {{"/etc/ssl/certs/system.pem", "theirs\n"},
	  {"/etc/ssl/certs/0badcafe.0", "the CA"},
	  {"/etc/ssl/certs/ca-certificates.crt", BUNDLE},
	  {"/etc/ssl/certs/ca-bundle.crt", BUNDLE}}},
	{"a hash that others have already",
	 {"/etc/ssl/certs/0badcafe.0=one\n", "/etc/ssl/certs/0badcafe.1=two\n"},
	 {{"/etc/ssl/certs/0badcafe.0", "one\n"},
	  {"/etc/ssl/certs/0badcafe.1", "two\n"},
	  {"/etc/ssl/certs/0badcafe.2", "the CA"}}},
	{"the directory is a link",
	 {"/etc/real/system.pem=theirs\n", "/etc/ssl/certs>../real"},
	 {{"/etc/ssl/certs/system.pem", "theirs\n"}, {"/etc/ssl/certs/0badcafe.0", "the CA"}}},
	{"a link that leads nowhere",
	 {"/etc/ssl/certs>/run/none"},
	 {{"/etc/ssl/certs/0badcafe.0", "the CA"}}},
	{"a path that overlays would take for two",
	 {"/etc/x/", "/etc/x:/opt/system.pem=theirs\n", "/opt/other.pem=no\n",
	  "/etc/ssl/certs>../x:/opt"},
	 {{"/etc/ssl/certs/other.pem", GONE}, {"/etc/ssl/certs/0badcafe.0", "the CA"}}},
	{"a path that overlays cannot name: ours alone",
	 {"/etc/a:b/system.pem=theirs\n", "/etc/ssl/certs>../a:b"},
	 {{"/etc/ssl/certs/system.pem", GONE}, {"/etc/ssl/certs/0badcafe.0", "the CA"}}},
	{"anchors of RHEL",
	 {"/etc/pki/ca-trust/source/anchors/own.pem=own\n"},
	 {{"/etc/pki/ca-trust/source/anchors/mcpjail.pem", "the CA"},
	  {"/etc/pki/ca-trust/source/anchors/own.pem", "own\n"}}},
	{"of Arch",
	 {"/etc/ca-certificates/trust-source/anchors/"},
	 {{"/etc/ca-certificates/trust-source/anchors/mcpjail.pem", "the CA"}}},
	{"of SUSE",
	 {"/etc/pki/trust/anchors/"},
	 {{"/etc/pki/trust/anchors/mcpjail.pem", "the CA"}}},
	{"Chromium's policy, beside a person's own",
	 {"/etc/chromium/policies/managed/own.json={}"},
	 {{"/etc/chromium/policies/managed/zz-mcpjail.json", "the policy"},
	  {"/etc/chromium/policies/managed/own.json", "{}"}}},
	{"its kin",
	 {"/etc/chromium-browser/", "/etc/brave/"},
	 {{"/etc/chromium-browser/policies/managed/zz-mcpjail.json", "the policy"},
	  {"/etc/brave/policies/managed/zz-mcpjail.json", "the policy"}}},
	{"/etc/opt alone is no browser",
	 {"/etc/opt/"},
	 {{"/etc/opt/chrome", GONE}, {"/etc/opt/edge", GONE}}},
	{"with one beside it is",
	 {"/etc/opt/", "/opt/google/chrome/"},
	 {{"/etc/opt/chrome/policies/managed/zz-mcpjail.json", "the policy"},
	  {"/etc/opt/edge", GONE}}},
	{"with two",
	 {"/etc/opt/", "/opt/google/chrome/", "/opt/microsoft/msedge/"},
	 {{"/etc/opt/chrome/policies/managed/zz-mcpjail.json", "the policy"},
	  {"/etc/opt/edge/policies/managed/zz-mcpjail.json", "the policy"}}},
	{"Firefox's names the file",
	 {"/etc/firefox/", "/etc/firefox-esr/"},
	 {{"/etc/firefox/policies/policies.json",
	   "{\"policies\":{\"Certificates\":{\"Install\":[\"" TRUST_CA_PATH "\"]}}}\n"},
	  {"/etc/firefox-esr/policies/policies.json",
	   "{\"policies\":{\"Certificates\":{\"Install\":[\"" TRUST_CA_PATH "\"]}}}\n"}}},
	{"bundles: a file, a link to one, a link to nowhere",
	 {"/etc/ssl/cert.pem=theirs\n", "/etc/real.pem=theirs\n",
	  "/etc/pki/tls/cert.pem>/etc/real.pem",
	  "/etc/pki/tls/certs/ca-bundle.crt>/nowhere/at/all"},
	 {{"/etc/ssl/cert.pem", BUNDLE},
	  {"/etc/pki/tls/cert.pem", BUNDLE},
	  {"/etc/real.pem", BUNDLE},
	  {"/etc/pki/tls/certs/ca-bundle.crt", BUNDLE},
	  {"/etc/ssl/ca-bundle.pem", GONE}}},
	{"NSS's database",
	 {NSS_DIR "/cert9.db=theirs\n"},
	 {{NSS_DIR "/" NSS_STORE_CERTIFICATES, "a store"},
	  {NSS_DIR "/" NSS_STORE_KEYS, "a store"}}},
};

/* --- laying out, in the child: what fails exits ------------------------------------------- */

static void need(bool is_fine, const char *what)
{
	if (is_fine)
		return;
	dprintf(STDERR_FILENO, "%s: %s\n", what, strerror(errno));
	_exit(2);
}

static void write_text(const char *path, const char *text, size_t n)
{
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	need(fd >= 0 && write(fd, text, n) == (ssize_t)n, path);
}

static void make_dirs(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		need(mkdir(path, 0755) == 0 || errno == EEXIST, path);
		*slash = '/';
	}
}

static void make_one(const char *entry)
{
	size_t n = strcspn(entry, "=>");
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.*s", (int)n, entry);
	make_dirs(path);
	if (entry[n] == '>')
		need(symlink(entry + n + 1, path) == 0, path);
	else if (entry[n] == '=')
		write_text(path, entry + n + 1, strlen(entry + n + 1));
}

static void enter_namespaces(void)
{
	char map[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	need(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0, "unshare");
	write_text("/proc/self/setgroups", "deny", 4);
	snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	write_text("/proc/self/uid_map", map, strlen(map));
	snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	write_text("/proc/self/gid_map", map, strlen(map));
	need(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "/");
	for (size_t i = 0; i < 3; i++) {
		static const char *const places[] = {"/etc", "/opt", "/run"};

		need(mount("none", places[i], "tmpfs", 0, NULL) == 0, places[i]);
	}
}

/* The scratch lies on /run, and holds the /run that will be. Links of ours lead to that one. */
static int make_scratch(void)
{
	int fd;

	need(mkdir("/run/run", 0755) == 0 && mkdir("/run/run/mcpjail", 0755) == 0, "/run/run");
	fd = open("/run", O_PATH | O_CLOEXEC);
	write_text("/run/run/mcpjail/ca.pem", PEM, ca_pem_text.len);
	write_text("/run/run/mcpjail/ca-bundle.pem", BUNDLE, strlen(BUNDLE));
	return fd;
}

/* --- looking ------------------------------------------------------------------------------ */

static size_t read_all(const char *path, char ret[TEXT_MAX])
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, TEXT_MAX - 1);

	ret[n < 0 ? 0 : n] = '\0';
	return n < 0 ? 0 : (size_t)n;
}

/* The CA's base64, in one. */
static bool is_policy(const char *text)
{
	json_t *policy = json_loads(text, 0, NULL);
	const char *got =
		json_string_value(json_array_get(json_object_get(policy, "CACertificates"), 0));
	const char *at = strchr(PEM, '\n') + 1;
	bool is_same = got != NULL;

	for (; is_same && *at != '-'; at++)
		if (*at != '\n')
			is_same = *got++ == *at;
	is_same = is_same && !*got;
	json_decref(policy);
	return is_same;
}

static bool is_seen(const char *path, const char *expected)
{
	char text[TEXT_MAX];
	struct stat st;

	if (!strcmp(expected, GONE))
		return lstat(path, &st) < 0 && errno == ENOENT;
	read_all(path, text);
	if (!strcmp(expected, "the CA"))
		return !strcmp(text, PEM);
	if (!strcmp(expected, "the policy"))
		return is_policy(text);
	if (!strcmp(expected, "a store"))
		return !strncmp(text, "SQLite format 3", 15) && access(path, W_OK) == 0;
	return !strcmp(text, expected);
}

static int look(const struct scene *scene)
{
	int wrong = 0;

	for (size_t i = 0; i < ENTRIES_MAX && scene->seen[i].path; i++) {
		if (is_seen(scene->seen[i].path, scene->seen[i].text))
			continue;
		dprintf(STDERR_FILENO, "%s: %s is not: %s\n", scene->name, scene->seen[i].path,
			scene->seen[i].text);
		wrong = 1;
	}
	return wrong;
}

static int try_scene(const struct scene *scene)
{
	const struct msg_trust trust = {{PEM, ca_pem_text.len}, HASH};
	struct layout layout = {.n_trees = 0};
	struct error err = {"", "", ""};
	autoclose int scratch = -1, run = -1;

	enter_namespaces();
	for (size_t i = 0; i < ENTRIES_MAX && scene->made[i]; i++)
		make_one(scene->made[i]);
	if (access(NSS_DIR, F_OK) == 0)
		layout.nss_dirs[0] = strdup(NSS_DIR);
	scratch = make_scratch();
	if (trust_places_cover(&trust, &layout, scratch, &err)) {
		dprintf(STDERR_FILENO, "%s: %s: %s\n", scene->name, err.where, err.what);
		return 1;
	}
	/* As the jail's start ends. */
	need(mount("/run/run", "/run", NULL, MS_BIND, NULL) == 0, "/run");
	if (trust_places_mount_bundles(&err)) {
		dprintf(STDERR_FILENO, "%s: %s: %s\n", scene->name, err.where, err.what);
		return 1;
	}
	free(layout.nss_dirs[0]);
	return look(scene);
}

static void test_what_looks_for_itself_finds_the_ca(void **state)
{
	size_t right = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scenes); i++) {
		pid_t pid = fork();
		int status = -1;

		if (!pid)
			_exit(try_scene(&scenes[i]));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		right += WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	assert_int_equal(right, ARRAY_SIZE(scenes));
}

static int make_ca(void **state)
{
	struct ca *ca;

	(void)state;
	assert_int_equal(ca_new("places", &ca), 0);
	assert_int_equal(ca_pem(ca, &ca_pem_text), 0);
	assert_int_equal(buf_append(&ca_pem_text, "", 1), 0);
	ca_pem_text.len--;
	ca_free(ca);
	return 0;
}

static int free_ca(void **state)
{
	(void)state;
	buf_free(&ca_pem_text);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_looks_for_itself_finds_the_ca),
	};

	return cmocka_run_group_tests(tests, make_ca, free_ca);
}
