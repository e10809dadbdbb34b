// SPDX-License-Identifier: Apache-2.0
#include "jail/files/trust_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ca_bundles.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "jail/files/mount_ops.h"
#include "jail/files/trust_places.h"
#include "trust/java_store.h"

#define TRUST_BUNDLE_MAX (16 << 20) /* bytes of the system's bundle that are taken over */

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
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);

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
	autoclose int bundle =
		openat(scratch_fd, "run/mcpjail/ca-bundle.pem", O_WRONLY | O_APPEND | O_CLOEXEC);
	int r = ca < 0 ? ca : bundle < 0 ? -errno : 0;

	if (!r)
		r = io_write_all(ca, trust->ca_pem.p, trust->ca_pem.n);
	return r ? r : io_write_all(bundle, trust->ca_pem.p, trust->ca_pem.n);
}

int trust_files_fill(const struct msg_trust *trust, int scratch_fd, struct buf *java,
		     struct error *err)
{
	int r = write_files(trust, scratch_fd);

	if (!r && java)
		r = write_java_store(trust, scratch_fd, java);
	return r < 0 ? mount_failed(err, TRUST_BUNDLE_PATH, "writing the CA bundle", r) : 0;
}

int trust_files_write(const struct msg_trust *trust, const struct layout *layout, int scratch_fd,
		      struct buf *java, struct error *err)
{
	int r = trust_files_fill(trust, scratch_fd, java, err);

	return r ? r : trust_places_cover(trust, layout, scratch_fd, err);
}
