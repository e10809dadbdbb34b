// SPDX-License-Identifier: Apache-2.0
#include "jail/trust_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ca_bundles.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "jail/mount_ops.h"
#include "trust/java_store.h"

#define TRUST_BUNDLE_MAX  (16 << 20) /* bytes of the system's bundle that are taken over */
#define TRUST_NUMBERS_MAX 16         /* HASH.0 … HASH.15: certificates with one subject hash */
#define TRUST_CERTS_DIR   "/etc/ssl/certs"

/* Without a system bundle the run's CA is all there is, and all that is needed. */
static int copy_system_bundle(int to)
{
	for (size_t i = 0; i < ARRAY_SIZE(ca_bundles); i++) {
		autoclose int from = open(ca_bundles[i], O_RDONLY | O_CLOEXEC);
		size_t left = TRUST_BUNDLE_MAX;
		ssize_t n = 1;

		if (from < 0)
			continue;
		while (left && n > 0) {
			n = sendfile(to, from, NULL, left);
			if (n < 0)
				return -errno;
			left -= (size_t)n;
		}
		return io_write_all(to, "\n", 1);
	}
	return 0;
}

static int create(int dir, const char *name)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);

	return fd < 0 ? -errno : fd;
}

/* --- for Java ------------------------------------------------------------------ */

/* From our copy of the bundle, which is a file of ours that nobody else can change. */
static int begin_java_store(int scratch_fd, struct buf *java)
{
	autoclose int bundle =
		openat(scratch_fd, "run/mcpjail/ca-bundle.pem", O_RDONLY | O_CLOEXEC);
	struct span pem;
	int r = bundle < 0 ? -errno : io_map(bundle, TRUST_BUNDLE_MAX + 1, &pem);

	if (r == -EINVAL) /* empty: there is no system bundle */
		return 0;
	if (!r) {
		r = java_store_add(java, pem, NULL);
		io_unmap(pem);
	}
	return r;
}

static int write_java_store(const struct msg_trust *trust, int scratch_fd, struct buf *java)
{
	autoclose int store = create(scratch_fd, "run/mcpjail/java.p12");
	uint8_t head[JAVA_STORE_HEAD_MAX];
	int r = store < 0 ? store : java_store_add(java, trust->ca_pem, "mcpjail");

	if (!r)
		r = io_write_all(store, head, java_store_head(java->len, head));
	return r ? r : io_write_all(store, java->data, java->len);
}

/* --- all files ------------------------------------------------------------------- */

int trust_files_prepare(int scratch_fd, struct buf *java, struct error *err)
{
	autoclose int bundle = create(scratch_fd, "run/mcpjail/ca-bundle.pem");
	int r = bundle < 0 ? bundle : copy_system_bundle(bundle);

	if (!r && java)
		r = begin_java_store(scratch_fd, java);
	return r < 0 ? mount_failed(err, TRUST_BUNDLE_PATH, "copying the system's bundle", r) : 0;
}

static int write_files(const struct msg_trust *trust, int scratch_fd)
{
	autoclose int ca = create(scratch_fd, "run/mcpjail/ca.pem");
	/* Its mode forbids writing to all but the owner of capabilities, which we still are. */
	autoclose int bundle =
		openat(scratch_fd, "run/mcpjail/ca-bundle.pem", O_WRONLY | O_APPEND | O_CLOEXEC);
	int r = ca < 0 ? ca : bundle < 0 ? -errno : 0;

	if (!r)
		r = io_write_all(ca, trust->ca_pem.p, trust->ca_pem.n);
	return r ? r : io_write_all(bundle, trust->ca_pem.p, trust->ca_pem.n);
}

/* The first free HASH.N, as OpenSSL reads them one after the other until one is missing. */
static int link_hash(int certs, const char *system_dir, uint32_t hash)
{
	char name[16], path[PATH_MAX];
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

/* Both directories merged; where overlays are not to be had, ours alone. */
static int mount_certs(int scratch_fd, const char *system_dir)
{
	char lower[PATH_MAX];
	const char *const options[] = {"lowerdir", lower, "userxattr", "", NULL};
	autoclose int overlay = -1, plain = -1;

	/* A colon or backslash in the path would need escaping: not worth it. */
	if ((size_t)snprintf(lower, sizeof(lower), "/run/certs:%s", system_dir) < sizeof(lower) &&
	    !strpbrk(system_dir, ":\\"))
		overlay = mount_new("overlay", options, MOUNT_SEALED | MOUNT_ATTR_NOEXEC);
	if (overlay >= 0)
		return mount_attach_at(overlay, system_dir);
	plain = mount_clone(scratch_fd, "certs", false, MOUNT_SEALED | MOUNT_ATTR_NOEXEC);
	return plain < 0 ? plain : mount_attach_at(plain, system_dir);
}

int trust_files_write(const struct msg_trust *trust, int scratch_fd, struct buf *java,
		      struct error *err)
{
	autofree char *system_dir = realpath(TRUST_CERTS_DIR, NULL);
	autoclose int certs = openat(scratch_fd, "certs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = certs < 0 ? -errno : write_files(trust, scratch_fd);

	if (!r && java)
		r = write_java_store(trust, scratch_fd, java);
	if (r < 0)
		return mount_failed(err, TRUST_BUNDLE_PATH, "writing the CA bundle", r);
	if (!system_dir)
		return 0;
	r = fill_certs(certs, system_dir, trust->ca_subject_hash);
	if (!r)
		r = mount_certs(scratch_fd, system_dir);
	return r < 0 ? mount_failed(err, system_dir, "showing the run's CA", r) : 0;
}

int trust_files_mount(struct error *err)
{
	autoclose int scratch = mount_open("/run/mcpjail");

	for (size_t i = 0; i < ARRAY_SIZE(ca_bundles); i++) {
		autofree char *path = realpath(ca_bundles[i], NULL);
		autoclose int fd = -1;
		int r;

		/* Missing, or a name that leads to our bundle already. */
		if (!path || !strcmp(path, TRUST_BUNDLE_PATH))
			continue;
		fd = mount_clone(scratch, "ca-bundle.pem", false, MOUNT_SEALED | MOUNT_ATTR_NOEXEC);
		r = fd < 0 ? fd : mount_attach_at(fd, path);
		if (r < 0)
			return mount_failed(err, path, "showing the run's CA", r);
	}
	return 0;
}
