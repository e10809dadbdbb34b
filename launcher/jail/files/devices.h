/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/files/devices.h - the jail's own /dev, and its terminal
 */
#ifndef MCPJAIL_JAIL_DEVICES_H
#define MCPJAIL_JAIL_DEVICES_H

#include <stdbool.h>
#include <sys/ioctl.h>

#include "base/error.h"

#define DEVICES_MAX 6

struct devices {
	int nodes[DEVICES_MAX];    /* detached clones of the host's; -1: it has none */
	int devpts;                /* detached mount of a new instance; -1: none */
	int mqueue;                /* detached mount of the jail's message queues; -1: none */
	int pty_master, pty_slave; /* -1: none wanted */
};

#define DEVICES_NONE ((struct devices){{-1, -1, -1, -1, -1, -1}, -1, -1, -1, -1})

_Static_assert(DEVICES_MAX == 6, "DEVICES_NONE names each");

/**
 * devices_take() - Clone the harmless devices, make a devpts, and on it a pty
 * @winsize: Of the pty; NULL: none wanted
 * @ret:     Descriptors are the caller's (devices_close()), also after a failure
 *
 * Must come before the host's mounts are sealed: seals forbid devices.
 *
 * Return: 0; -errno with @err filled
 */
int devices_take(const struct winsize *winsize, struct devices *ret, struct error *err);

/**
 * devices_mount() - Put them over /dev
 * @scratch_fd: A directory in a tmpfs of the jail's own, in which "dev" and "shm" are made
 *
 * Return: 0; -errno with @err filled
 */
int devices_mount(const struct devices *devices, int scratch_fd, struct error *err);

/** devices_close() - All but the pty's slave and master */
void devices_close(struct devices *devices);

#endif
