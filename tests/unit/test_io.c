// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"

#define BYTES (1u << 20) /* far more than a pipe holds */

static char pattern[BYTES];

static int memfd_of(size_t n)
{
	int fd = memfd_create("io", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, pattern, n), n);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void test_write_at_leaves_the_position_alone(void **state)
{
	autoclose int fd = memfd_of(100);
	char got[8] = "";

	(void)state;
	assert_int_equal(io_write_all_at(fd, "abc", 3, 50), 0);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
	assert_int_equal(io_read_all_at(fd, got, 3, 50), 0);
	assert_string_equal(got, "abc");
	assert_int_equal(io_write_all_at(fd, "", 0, 0), 0);
	assert_int_equal(io_read_all_at(fd, got, 3, 98), -EIO);
	assert_int_equal(io_write_all_at(-1, "a", 1, 0), -EBADF);
	assert_int_equal(io_read_all_at(-1, got, 1, 0), -EBADF);
}

/* A limit on the size of files cuts a write short, and refuses the next one. */
static void test_write_that_is_cut_short_goes_on_and_fails(void **state)
{
	char path[] = "/tmp/mcpjail-io-XXXXXX";
	struct rlimit before, limit;
	int fd = mkstemp(path), at, sequential;

	(void)state;
	unlink(path);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){1000, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	at = io_write_all_at(fd, pattern, 2000, 0);
	sequential = io_write_all(fd, pattern, 2000);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(at, -EFBIG);
	assert_int_equal(sequential, -EFBIG);
	assert_int_equal(lseek(fd, 0, SEEK_END), 1000);
	close(fd);
}

static void *write_pattern(void *fd)
{
	int r = io_write_all(*(int *)fd, pattern, sizeof(pattern));

	close(*(int *)fd);
	return r ? fd : NULL;
}

static void test_pipe_is_written_and_read_whole(void **state)
{
	struct buf b = BUF_INIT(BYTES);
	pthread_t writer;
	void *failed;
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(pthread_create(&writer, NULL, write_pattern, &fds[1]), 0);
	assert_int_equal(io_read_to_end(fds[0], &b), 0);
	pthread_join(writer, &failed);
	assert_null(failed);
	assert_int_equal(b.len, BYTES);
	assert_memory_equal(b.data, pattern, BYTES);
	buf_free(&b);
	close(fds[0]);
}

static void test_read_to_end_is_bounded_exactly(void **state)
{
	static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 200000};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		autoclose int fd = memfd_of(sizes[i]);
		autobuf struct buf enough = BUF_INIT(sizes[i]);

		assert_int_equal(io_read_to_end(fd, &enough), 0);
		assert_int_equal(enough.len, sizes[i]);
		if (sizes[i]) {
			autobuf struct buf small = BUF_INIT(sizes[i] - 1);

			assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
			assert_int_equal(io_read_to_end(fd, &small), -EFBIG);
		}
	}
}

static void test_map_shows_the_file_and_is_bounded(void **state)
{
	autoclose int fd = memfd_of(5000), empty = memfd_of(0);
	struct span mapped;

	(void)state;
	assert_int_equal(lseek(fd, 3000, SEEK_SET), 3000);
	assert_int_equal(io_map(fd, 5000, &mapped), 0);
	assert_int_equal(mapped.n, 5000);
	assert_memory_equal(mapped.p, pattern, 5000);
	io_unmap(mapped);
	assert_int_equal(io_map(fd, 4999, &mapped), -EFBIG);
	assert_int_equal(io_map(empty, 5000, &mapped), -EINVAL);
	assert_int_equal(io_map(-1, 5000, &mapped), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write_at_leaves_the_position_alone),
		cmocka_unit_test(test_write_that_is_cut_short_goes_on_and_fails),
		cmocka_unit_test(test_pipe_is_written_and_read_whole),
		cmocka_unit_test(test_read_to_end_is_bounded_exactly),
		cmocka_unit_test(test_map_shows_the_file_and_is_bounded),
	};

	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (char)(i * 131 >> 3);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
