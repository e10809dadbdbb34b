// SPDX-License-Identifier: Apache-2.0
/*
 * connects - what connect() costs where this runs: N connections to a listener of its own on
 * 127.0.0.1, one after the other. Prints the median in nanoseconds of connect() alone.
 */
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTS_MAX 1000000

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t connect_once(int listener, const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), accepted;
	struct linger reset = {.l_onoff = 1}; /* no TIME_WAIT to run out of ports by */
	uint64_t start_ns = now_ns(), took_ns;

	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0) {
		perror("connects: connect");
		exit(1);
	}
	took_ns = now_ns() - start_ns;
	accepted = accept(listener, NULL, NULL);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	close(accepted);
	return took_ns;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	uint64_t *took_ns;

	if (n < 1 || n > CONNECTS_MAX) {
		fprintf(stderr, "usage: connects N\n");
		return 2;
	}
	took_ns = calloc(n, sizeof(*took_ns));
	if (!took_ns || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 16) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &size) < 0) {
		perror("connects");
		return 1;
	}
	for (size_t i = 0; i < n / 10; i++)
		connect_once(listener, &address);
	for (size_t i = 0; i < n; i++)
		took_ns[i] = connect_once(listener, &address);
	qsort(took_ns, n, sizeof(*took_ns), compare);
	printf("%llu\n", (unsigned long long)took_ns[n / 2]);
	free(took_ns);
	return 0;
}
