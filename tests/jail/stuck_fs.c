// SPDX-License-Identifier: Apache-2.0
/*
 * stuck_fs DIR - mounts a file system on DIR that never gives what it has
 *
 * A file "page", whose contents never come; and "stuck", of which it is never known whether it
 * exists. Needs /dev/fuse and the right to mount; prints "ready", ends by a signal. Exits with
 * 77 where it cannot be made.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define REQUEST_BYTES (64 * 1024)
#define NODE_PAGE     2
#define PAGE_BYTES    4096
#define CANNOT        77

static int fuse;

static void reply(uint64_t unique, int error, const void *payload, size_t n)
{
	struct {
		struct fuse_out_header head;
		char bytes[512];
	} out = {.head = {(uint32_t)(sizeof(out.head) + n), error, unique}};

	if (n)
		memcpy(out.bytes, payload, n);
	if (write(fuse, &out, out.head.len) < 0 && errno != ENOENT)
		perror("stuck_fs: write");
}

static struct fuse_attr attributes_of(uint64_t node)
{
	struct fuse_attr attr = {.ino = node, .nlink = 1, .blksize = PAGE_BYTES};

	attr.mode = node == NODE_PAGE ? S_IFREG | 0444 : S_IFDIR | 0755;
	attr.size = node == NODE_PAGE ? PAGE_BYTES : 0;
	attr.uid = geteuid();
	attr.gid = getegid();
	return attr;
}

static void on_lookup(const struct fuse_in_header *in, const char *name)
{
	struct fuse_entry_out entry = {.nodeid = NODE_PAGE, .entry_valid = 60, .attr_valid = 60};

	if (!strcmp(name, "stuck"))
		return;
	entry.attr = attributes_of(NODE_PAGE);
	reply(in->unique, strcmp(name, "page") ? -ENOENT : 0, &entry,
	      strcmp(name, "page") ? 0 : sizeof(entry));
}

static void on_request(const struct fuse_in_header *in, const void *body)
{
	const struct fuse_init_in *init_in = body;
	/* Asynchronous reads: whoever waits for one can be killed. */
	struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION,
				     .minor = FUSE_KERNEL_MINOR_VERSION,
				     .max_readahead = PAGE_BYTES,
				     .flags = FUSE_ASYNC_READ,
				     .max_background = 64,
				     .max_write = PAGE_BYTES};
	struct fuse_attr_out attr = {.attr_valid = 60};
	/* Else who opens it next waits for the page that somebody waits for. */
	struct fuse_open_out opened = {.fh = 1, .open_flags = FOPEN_KEEP_CACHE};

	switch (in->opcode) {
	case FUSE_INIT:
		init.max_readahead = init_in->max_readahead;
		reply(in->unique, 0, &init, sizeof(init));
		break;
	case FUSE_GETATTR:
		attr.attr = attributes_of(in->nodeid);
		reply(in->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_LOOKUP:
		on_lookup(in, body);
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		reply(in->unique, 0, &opened, sizeof(opened));
		break;
	case FUSE_READ:
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	case FUSE_READDIR:
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_ACCESS:
		reply(in->unique, 0, NULL, 0);
		break;
	default:
		reply(in->unique, -ENOSYS, NULL, 0);
		break;
	}
}

int main(int argc, char **argv)
{
	static union {
		struct fuse_in_header head;
		char bytes[REQUEST_BYTES];
	} request;
	char options[128];

	if (argc != 2)
		return 3;
	fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=%u,group_id=%u", fuse,
		 geteuid(), getegid());
	if (fuse < 0 || mount("stuck", argv[1], "fuse", MS_NOSUID | MS_NODEV, options)) {
		perror("stuck_fs");
		return CANNOT;
	}
	puts("ready");
	fflush(stdout);
	while (read(fuse, &request, sizeof(request)) > 0)
		on_request(&request.head, request.bytes + sizeof(request.head));
	return 0;
}
