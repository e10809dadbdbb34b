// SPDX-License-Identifier: Apache-2.0
/*
 * The log of limits: the input's lines, each behind a sum that is right unless it begins with
 * '!'. What must hold:
 *   - what a line says is written and read again as the same;
 *   - a log is read, or refused, the same by two readers, the second of which finds what the
 *     first has cut off gone;
 *   - a log that is read can be charged, and the next reader finds the charge.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "state/limits.h"
#include "state/limits_line.h"

static void check_line(struct span line)
{
	struct line_item items[64], again;
	char text[LINE_MAX_BYTES];
	struct line_time time, time_again;
	struct span rest, rest_again;
	size_t n = 0, bytes;

	if (!line_read(line, &time, &rest))
		return;
	while (n < 64 && line_next(&rest, &items[n]) > 0)
		n++;
	bytes = line_write(&time, items, n, text);
	if (!bytes)
		return;
	must(line_is_sound(span_bytes(text, bytes - 1)));
	must(line_read(span_bytes(text, bytes - 1), &time_again, &rest_again));
	must(time_again.boot == time.boot && time_again.at_ms == time.at_ms &&
	     time_again.wall_ms == time.wall_ms);
	for (size_t i = 0; i < n; i++) {
		must(line_next(&rest_again, &again) == 1);
		must(again.kind == items[i].kind && again.amount == items[i].amount);
		must(again.part == items[i].part && again.keep_ms == items[i].keep_ms);
		must(again.has_value == items[i].has_value);
		must(again.for_ever == items[i].for_ever && again.at_ms == items[i].at_ms);
		must(!memcmp(again.key, items[i].key, LIMITS_KEY_BYTES));
	}
	must(!line_next(&rest_again, &again));
}

static char dir[64];
static int dirfd = -1;

static void remove_dir(void)
{
	unlinkat(dirfd, "limits.lock", 0);
	unlinkat(dirfd, "limits.0", 0);
	unlinkat(dirfd, "limits.1", 0);
	rmdir(dir);
}

static void make_dir(void)
{
	strcpy(dir, "/dev/shm/mcpjail-fuzz-XXXXXX");
	must(mkdtemp(dir));
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(dirfd >= 0 && !atexit(remove_dir));
}

/* The input as a log. */
static void make_log(const char *data, size_t n)
{
	autobuf struct buf log = BUF_INIT(FUZZ_BUF_MAX);

	if (dirfd < 0)
		make_dir();
	unlinkat(dirfd, "limits.lock", 0);
	unlinkat(dirfd, "limits.1", 0);
	must(!buf_puts(&log, LINE_HEADER));
	while (n) {
		const char *end = memchr(data, '\n', n);
		struct span line = span_bytes(data, end ? (size_t)(end - data) : n);
		autobuf struct buf whole = BUF_INIT(FUZZ_BUF_MAX);

		if (line.n && line.p[0] != '!')
			must(!buf_printf(&whole, "%08x ", line_sum(line)));
		must(!buf_append(&whole, line.p, line.n));
		if (whole.len > 9)
			check_line(span_bytes(whole.data, whole.len));
		must(!buf_append(&log, whole.data, whole.len));
		if (end)
			must(!buf_puts(&log, "\n"));
		data += line.n + (end != NULL);
		n -= line.n + (end != NULL);
	}
	{
		autoclose int fd =
			openat(dirfd, "limits.0", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		autoclose int lock = openat(dirfd, "limits.lock",
					    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		must(write(fd, log.data, log.len) == (ssize_t)log.len);
		must(dprintf(lock, "mcpjail limits, generation %020d, in limits.0\n", 0) == 61);
	}
}

static int64_t at_boot(void *context)
{
	(void)context;
	return 100000;
}

static int64_t at_wall(void *context)
{
	(void)context;
	return 1700000000000;
}

static uint64_t used(uint64_t amount, int *ret_error)
{
	const struct limits_clock clock = {at_boot, at_wall, 0x14, NULL};
	struct limits_charge charge = {.window_ms = 60000, .max = UINT64_MAX, .amount = amount};
	struct limits_answer answer = {.over = -1};
	struct limits *limits;

	must(!limits_open(dirfd, &clock, &limits, NULL));
	memset(charge.key, 0x11, sizeof(charge.key));
	*ret_error = limits_charge(limits, &charge, 1, &answer);
	limits_free(limits);
	return answer.used[0];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int first, second, third;
	uint64_t before, after;

	if (n > FUZZ_BUF_MAX / 64)
		return 0;
	make_log((const char *)data, n);
	before = used(0, &first);
	after = used(3, &second);
	must(!first == !second || second == -EOVERFLOW);
	must(first || before == after);
	if (first || second)
		return 0;
	after = used(0, &third);
	must(!third && after == before + 3);
	return 0;
}
