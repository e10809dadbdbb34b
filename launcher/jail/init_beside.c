// SPDX-License-Identifier: Apache-2.0
#include "jail/init_stages.h"

#include <string.h>

#include "base/cleanup.h"
#include "jail/selftest.h"

static void *work(void *arg)
{
	struct beside *beside = arg;
	struct init *init = beside->init;

	beside->r = netns_set_up(&init->net, &beside->err);
	/* Before anybody else can take its connections. */
	if (!beside->r)
		beside->r = selftest_network(&init->net, &beside->err);
	if (!beside->r)
		beside->r = trust_system_read(beside->bundle_fd, &init->trust, &beside->err);
	return NULL;
}

int beside_start(struct beside *beside, struct init *init, struct error *err)
{
	int r;

	/* Opened now: mounts may lie over it soon. */
	*beside = (struct beside){.init = init, .bundle_fd = trust_system_open()};
	r = -pthread_create(&beside->thread, NULL, work, beside);
	if (!r)
		return 0;
	error_set(err, "init", NULL, "a thread cannot be started: %s", strerror(-r));
	fd_close(&beside->bundle_fd);
	return r;
}

int beside_join(struct beside *beside, struct error *err)
{
	pthread_join(beside->thread, NULL);
	fd_close(&beside->bundle_fd);
	if (beside->r < 0)
		*err = beside->err;
	return beside->r;
}
