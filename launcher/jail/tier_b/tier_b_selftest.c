// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/privileges.h"
#include "jail/selftest.h"
#include "jail/tier_b/tier_b_internal.h"

#define PROBE_FILE ".mcpjail-selftest"

static bool can_make_a_file(const char *dir)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/" PROBE_FILE, dir);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	unlink(path);
	close(fd);
	return true;
}

static bool can_append(const char *path)
{
	autoclose int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	return fd >= 0;
}

int tier_b_selftest(const struct tier_b *b, struct error *err)
{
	char path[TIER_B_PATH_BYTES];
	int r;

	if (!privileges_are_out_of_reach())
		return selftest_broken(err, "are left", "the agent's privileges");
	r = selftest_calls(err);
	if (r)
		return r;
	if (can_make_a_file("/"))
		return selftest_broken(err, "is writable for the agent", "/");
	if (can_make_a_file(b->layout.run_dir) || can_make_a_file(b->layout.state_dir))
		return selftest_broken(err, "is writable for the agent", b->layout.state_dir);
	tier_b_path(b, TIER_B_BUNDLE, path);
	if (can_append(path))
		return selftest_broken(err, "is writable for the agent", path);
	return access(path, R_OK) ? selftest_broken(err, "cannot be read", path) : 0;
}
