// SPDX-License-Identifier: Apache-2.0
/*
 * The run's own directory. Who may make a file in a directory may bind a socket there, and the
 * broker does so in the agent's name; so nobody may in "run" once the jail is made. The files
 * are here before, empty, and init only writes to them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/remove_tree.h"
#include "jail/tier_b/tier_b_internal.h"

#define DIR_TEMPLATE   "/tmp/mcpjail-XXXXXX"
#define SYSTEM_WGETRC  "/etc/wgetrc"
#define WGETRC_MAX     (1 << 20) /* bytes of the system's that are taken over */
#define WGETRC_CA_LINE "\nca_certificate = %s/" TIER_B_BUNDLE "\n"

const char *const tier_b_files_of_init[] = {TIER_B_CA, TIER_B_BUNDLE, TIER_B_JAVA, NULL};

static int make_file(const struct tier_b *b, const char *name)
{
	char path[TIER_B_PATH_BYTES];
	int fd;

	tier_b_path(b, name, path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	return fd < 0 ? -errno : fd;
}

/* Wget has no variable for certificates, but one for the system's settings, which it reads first.
 */
static int write_wgetrc(const struct tier_b *b)
{
	autoclose int to = make_file(b, TIER_B_WGETRC);
	autoclose int from = open(SYSTEM_WGETRC, O_RDONLY | O_CLOEXEC);
	char line[TIER_B_PATH_BYTES + sizeof(WGETRC_CA_LINE)];
	int n = snprintf(line, sizeof(line), WGETRC_CA_LINE, b->dir);

	if (to < 0)
		return to;
	/* Without the system's settings wget works still. */
	if (from >= 0)
		(void)!sendfile(to, from, NULL, WGETRC_MAX);
	return io_write_all(to, line, (size_t)n);
}

int tier_b_make_dir(struct tier_b *b, struct error *err)
{
	static const char *const dirs[] = {"run", "run/mcpjail", "tmp"};
	char path[TIER_B_PATH_BYTES] = DIR_TEMPLATE;
	int r = mkdtemp(path) ? 0 : -errno;

	if (!r)
		memcpy(b->dir, path, sizeof(DIR_TEMPLATE));
	for (size_t i = 0; !r && i < ARRAY_SIZE(dirs); i++) {
		tier_b_path(b, dirs[i], path);
		r = mkdir(path, 0700) ? -errno : 0;
	}
	for (size_t i = 0; !r && tier_b_files_of_init[i]; i++) {
		autoclose int fd = make_file(b, tier_b_files_of_init[i]);

		r = fd < 0 ? fd : 0;
	}
	if (!r)
		r = write_wgetrc(b);
	if (r)
		error_set(err, "/tmp", "make it writable", "a directory of the run's own: %s",
			  strerror(-r));
	return r;
}

void tier_b_remove_dir(const struct tier_b *b)
{
	if (b->dir[0])
		remove_tree(b->dir);
}
