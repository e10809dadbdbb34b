// SPDX-License-Identifier: Apache-2.0
#include "jail/files/trust_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ca_bundles.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "jail/files/mount_ops.h"
#include "jail/files/trust_places.h"
#include "trust/java_store.h"

/* --- the system's bundle --------------------------------------------------------- */

int trust_system_open(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(ca_bundles); i++) {
		int fd = open(ca_bundles[i], O_RDONLY | O_CLOEXEC);

		if (fd >= 0)
			return fd;
	}
	return -1;
}

void trust_system_free(struct trust_system *system)
{
	buf_free(&system->pem);
	buf_free(&system->java);
}

/* Into memory of our own: a file that is mapped somebody could cut off meanwhile. */
static int read_bundle(int bundle_fd, struct trust_system *ret)
{
	int r = io_read_to_end(bundle_fd, &ret->pem);

	if (!r || r == -EFBIG)
		r = ret->wants_java ? java_store_add(&ret->java,
						     span_bytes(ret->pem.data, ret->pem.len), NULL)
				    : 0;
	return r;
}

int trust_system_read(int bundle_fd, struct trust_system *ret, struct error *err)
{
	/* Without one the run's CA is all there is, and all that is needed. */
	int r = bundle_fd < 0 ? 0 : read_bundle(bundle_fd, ret);

	return r < 0 ? mount_failed(err, TRUST_BUNDLE_PATH, "copying the system's bundle", r) : 0;
}

/* --- all files ------------------------------------------------------------------- */

/* Tier B has made the files already, and lets nobody make any. */
static int create(int dir, const char *name)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);

	return fd < 0 ? -errno : fd;
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

int trust_files_prepare(int scratch_fd, const struct trust_system *system, struct error *err)
{
	autoclose int bundle = create(scratch_fd, "run/mcpjail/ca-bundle.pem");
	int r = bundle < 0 ? bundle : io_write_all(bundle, system->pem.data, system->pem.len);

	/* Between the last certificate and ours. */
	if (!r && system->pem.len)
		r = io_write_all(bundle, "\n", 1);
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

int trust_files_fill(const struct msg_trust *trust, int scratch_fd, struct trust_system *system,
		     struct error *err)
{
	int r = write_files(trust, scratch_fd);

	if (!r && system->wants_java)
		r = write_java_store(trust, scratch_fd, &system->java);
	return r < 0 ? mount_failed(err, TRUST_BUNDLE_PATH, "writing the CA bundle", r) : 0;
}

int trust_files_write(const struct msg_trust *trust, const struct layout *layout, int scratch_fd,
		      struct trust_system *system, struct error *err)
{
	int r = trust_files_fill(trust, scratch_fd, system, err);

	return r ? r : trust_places_cover(trust, layout, scratch_fd, err);
}
