// SPDX-License-Identifier: Apache-2.0
/*
 * Most programs take the environment's word (jail/env.h). What looks for itself finds:
 *
 *	directories of certificates by hash	OpenSSL; covered by the system's and ours, merged
 *	anchors of p11-kit			GnuTLS and NSS on Fedora, Arch, SUSE; merged too
 *	policies				Chromium and its kind, Firefox; merged too
 *	a database of NSS			Chromium and its kind; a private one, writable
 *	bundles					each replaced by ours
 *
 * Only what is there is covered: nothing is to be made on the host for it. A link that leads
 * nowhere, or to a place that is private in the jail, is covered itself.
 */
#include "jail/files/trust_places.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ca_bundles.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "jail/files/mount_ops.h"
#include "jail/files/trust_files.h"
#include "trust/nss_store.h"

#define TRUST_NUMBERS_MAX 16 /* HASH.0 … HASH.15: certificates with one subject hash */
#define TRUST_CERTS_DIR   "/etc/ssl/certs"
#define TRUST_OUR_CERTS   "/run/mcpjail/certs" /* what is ours of it */

#define PEM_LINE "-----"

struct cover {
	const struct msg_trust *trust;
	const struct layout *layout;
	int scratch_fd;
};

/* --- merging directories -------------------------------------------------------------- */

/* @ours, below the scratch, over @dir; where overlays are not to be had, ours alone. */
static int merge(int scratch_fd, const char *ours, const char *dir)
{
	char lower[2 * PATH_MAX];
	const char *const options[] = {"lowerdir", lower, "userxattr", "", NULL};
	autoclose int overlay = -1, plain = -1;

	snprintf(lower, sizeof(lower), "/run/%s:%s", ours, dir);
	/* A colon or backslash in the path would need escaping: not worth it. */
	if (!strpbrk(dir, ":\\"))
		overlay = mount_new("overlay", options, MOUNT_SEALED | MOUNT_ATTR_NOEXEC);
	if (overlay >= 0)
		return mount_attach_at(overlay, dir);
	plain = mount_clone(scratch_fd, ours, false, MOUNT_SEALED | MOUNT_ATTR_NOEXEC);
	return plain < 0 ? plain : mount_attach_at(plain, dir);
}

/* The first free HASH.N, as OpenSSL reads them one after the other until one is missing. */
static int link_hash(int certs, const char *system_dir, uint32_t hash)
{
	char name[16], path[PATH_MAX + sizeof(name)];
	struct stat st;

	for (int i = 0; i < TRUST_NUMBERS_MAX; i++) {
		snprintf(name, sizeof(name), "%08x.%d", hash, i);
		snprintf(path, sizeof(path), "%s/%s", system_dir, name);
		if (lstat(path, &st) < 0)
			return symlinkat(TRUST_CA_PATH, certs, name) < 0 ? -errno : 0;
	}
	return -ENOSPC;
}

/* What lies over the system's directory of certificates: our CA, and the bundle's names. */
static int fill_certs(int certs, const char *system_dir, uint32_t hash)
{
	static const char *const names[] = {"ca-certificates.crt", "ca-bundle.crt"};
	int r = link_hash(certs, system_dir, hash);

	for (size_t i = 0; !r && i < ARRAY_SIZE(names); i++)
		if (symlinkat(TRUST_BUNDLE_PATH, certs, names[i]) < 0)
			r = -errno;
	return r;
}

/* A link comes over the link: nothing but a link or a file can. */
static int cover_link(int scratch_fd)
{
	autoclose int at = mount_open(TRUST_CERTS_DIR), fd = -1;
	struct stat st;

	if (at < 0 || fstat(at, &st) < 0 || !S_ISLNK(st.st_mode))
		return 0;
	if (symlinkat(TRUST_OUR_CERTS, scratch_fd, "certs-link") < 0)
		return -errno;
	fd = mount_clone(scratch_fd, "certs-link", false, MOUNT_SEALED);
	return fd < 0 ? fd : mount_attach(fd, at);
}

static int cover_certs(const struct cover *c)
{
	autofree char *dir = realpath(TRUST_CERTS_DIR, NULL);
	const char *ours = TRUST_OUR_CERTS + 1; /* the scratch's "run" is what /run will be */
	autoclose int certs = -1;
	int r;

	if (mkdirat(c->scratch_fd, ours, 0755) < 0)
		return -errno;
	certs = openat(c->scratch_fd, ours, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = certs < 0 ? -errno : fill_certs(certs, dir ? dir : "", c->trust->ca_subject_hash);
	if (!r)
		r = dir ? merge(c->scratch_fd, ours, dir) : cover_link(c->scratch_fd);
	return r;
}

/* --- anchors and policies ---------------------------------------------------------------- */

enum content { CONTENT_PEM = 0, CONTENT_CHROMIUM, CONTENT_FIREFOX };

/*
 * Their own names sort last: of two policies that say the same, Chromium takes the later one's
 * word. Where `needs` is given, the directory alone says nothing: it is on every Debian.
 */
static const struct place {
	const char *dir, *needs;
	const char *file;
	enum content content;
} places[] = {
	{"/etc/pki/ca-trust/source/anchors", NULL, "mcpjail.pem", CONTENT_PEM},          /* RHEL */
	{"/etc/ca-certificates/trust-source/anchors", NULL, "mcpjail.pem", CONTENT_PEM}, /* Arch */
	{"/etc/pki/trust/anchors", NULL, "mcpjail.pem", CONTENT_PEM},                    /* SUSE */
	{"/etc/chromium", NULL, "policies/managed/zz-mcpjail.json", CONTENT_CHROMIUM},
	{"/etc/chromium-browser", NULL, "policies/managed/zz-mcpjail.json", CONTENT_CHROMIUM},
	{"/etc/brave", NULL, "policies/managed/zz-mcpjail.json", CONTENT_CHROMIUM},
	{"/etc/opt", "/opt/google/chrome", "chrome/policies/managed/zz-mcpjail.json",
	 CONTENT_CHROMIUM},
	{"/etc/opt", "/opt/microsoft/msedge", "edge/policies/managed/zz-mcpjail.json",
	 CONTENT_CHROMIUM},
	{"/etc/firefox", NULL, "policies/policies.json", CONTENT_FIREFOX},
	{"/etc/firefox-esr", NULL, "policies/policies.json", CONTENT_FIREFOX},
};

/* The lines between a PEM's first and last are base64 of what the policy wants in one. */
static void write_chromium_policy(FILE *to, struct span pem)
{
	const char *at = pem.p, *end = pem.p + pem.n;

	fputs("{\"CACertificates\":[\"", to);
	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((line_end ? line_end : end) - at);

		if (n < strlen(PEM_LINE) || memcmp(at, PEM_LINE, strlen(PEM_LINE)))
			fwrite(at, 1, n, to);
		at += n + 1;
	}
	fputs("\"]}\n", to);
}

static int write_content(int dir, const char *name, enum content content, struct span pem)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	FILE *to = fd < 0 ? NULL : fdopen(fd, "w");

	if (!to)
		return -errno;
	switch (content) {
	case CONTENT_PEM:
		fwrite(pem.p, 1, pem.n, to);
		break;
	case CONTENT_CHROMIUM:
		write_chromium_policy(to, pem);
		break;
	case CONTENT_FIREFOX:
		fputs("{\"policies\":{\"Certificates\":{\"Install\":[\"" TRUST_CA_PATH "\"]}}}\n",
		      to);
		break;
	}
	return fclose(to) ? -EIO : 0;
}

/* @path and the directories above it, below @dir. */
static int make_dirs(int dir, const char *path)
{
	char name[PATH_MAX];

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(name, sizeof(name), "%.*s", (int)(slash - path), path);
		if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static int cover_place(const struct cover *c, size_t index)
{
	const struct place *place = &places[index];
	char ours[32], path[PATH_MAX];
	autofree char *dir = NULL;
	struct stat st;
	int r;

	if (stat(place->dir, &st) < 0 || !S_ISDIR(st.st_mode) ||
	    (place->needs && access(place->needs, F_OK) < 0))
		return 0;
	dir = realpath(place->dir, NULL);
	if (!dir)
		return 0;
	snprintf(ours, sizeof(ours), "trust-%zu", index);
	snprintf(path, sizeof(path), "%s/%s", ours, place->file);
	r = make_dirs(c->scratch_fd, path);
	if (!r)
		r = write_content(c->scratch_fd, path, place->content, c->trust->ca_pem);
	return r ? r : merge(c->scratch_fd, ours, dir);
}

/* --- NSS ----------------------------------------------------------------------------------- */

static int write_store(int dir, const char *name, const struct buf *store)
{
	autoclose int file = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return file < 0 ? -errno : io_write_all(file, store->data, store->len);
}

static int write_stores(int dir, struct span pem)
{
	autobuf struct buf certificates = BUF_INIT(NSS_STORE_BYTES);
	autobuf struct buf keys = BUF_INIT(NSS_STORE_BYTES);
	int r = nss_store_make(pem, &certificates);

	if (!r)
		r = nss_store_make_keys(&keys);
	if (!r)
		r = write_store(dir, NSS_STORE_CERTIFICATES, &certificates);
	return r ? r : write_store(dir, NSS_STORE_KEYS, &keys);
}

/* What NSS itself writes there goes with the run. */
static int cover_nss_dir(const struct cover *c, size_t index)
{
	autoclose int dir = -1, fd = -1;
	char name[16];
	int r;

	snprintf(name, sizeof(name), "nss-%zu", index);
	if (mkdirat(c->scratch_fd, name, 0700) < 0)
		return -errno;
	dir = openat(c->scratch_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = dir < 0 ? -errno : write_stores(dir, c->trust->ca_pem);
	if (r < 0)
		return r;
	fd = mount_clone(c->scratch_fd, name, false, MOUNT_SAFE | MOUNT_ATTR_NOEXEC);
	return fd < 0 ? fd : mount_attach_at(fd, c->layout->nss_dirs[index]);
}

int trust_places_cover(const struct msg_trust *trust, const struct layout *layout, int scratch_fd,
		       struct error *err)
{
	const struct cover c = {trust, layout, scratch_fd};
	int r = cover_certs(&c);

	if (r < 0)
		return mount_failed(err, TRUST_CERTS_DIR, "showing the run's CA", r);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		r = cover_place(&c, i);
		if (r < 0)
			return mount_failed(err, places[i].dir, "showing the run's CA", r);
	}
	for (size_t i = 0; i < LAYOUT_NSS_MAX; i++) {
		r = layout->nss_dirs[i] ? cover_nss_dir(&c, i) : 0;
		if (r < 0 && r != -ENOENT)
			return mount_failed(err, layout->nss_dirs[i], "showing the run's CA", r);
	}
	return 0;
}

/* --- bundles -------------------------------------------------------------------------------- */

/* The file that a name leads to; the name itself if it is a link that leads nowhere. */
static char *find_bundle(const char *name)
{
	char *path = realpath(name, NULL);
	struct stat st;

	if (path || lstat(name, &st) < 0 || !S_ISLNK(st.st_mode))
		return path;
	return strdup(name);
}

static int mount_bundle(int ours, const char *name)
{
	autofree char *path = find_bundle(name);
	autoclose int at = -1, fd = -1;

	/* Missing, or a name that leads to our bundle already. */
	if (!path || !strcmp(path, TRUST_BUNDLE_PATH))
		return 0;
	at = mount_open(path);
	/* A link to follow, above one that leads nowhere: the name cannot be reached at all. */
	if (at < 0)
		return at == -ELOOP ? 0 : at;
	fd = mount_clone(ours, "ca-bundle.pem", false, MOUNT_SEALED | MOUNT_ATTR_NOEXEC);
	return fd < 0 ? fd : mount_attach(fd, at);
}

int trust_places_mount_bundles(struct error *err)
{
	autoclose int ours = mount_open("/run/mcpjail");

	for (size_t i = 0; i < ARRAY_SIZE(ca_bundles); i++) {
		int r = mount_bundle(ours, ca_bundles[i]);

		if (r < 0)
			return mount_failed(err, ca_bundles[i], "showing the run's CA", r);
	}
	return 0;
}
