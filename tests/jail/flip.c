// SPDX-License-Identifier: Apache-2.0
/*
 * flip WHAT INSIDE HOST FLIPS SECONDS - connect() while another thread changes what it is given
 *
 * WHAT is "path": the bytes of the address, between a socket of ours, INSIDE, which this makes,
 * and one of the host's, HOST, of the same length; or "number": which socket the descriptor's
 * number means, and the address with it: TCP's, to a listener of ours, or HOST.
 *
 * Goes on for SECONDS and until there have been FLIPS. Prints how many flips and connects there
 * were and how these ended; whether HOST was reached is for who listens there to say. In that
 * case its first line says REACHED, and so does ours.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CONNECTORS 2
#define NUMBER     200 /* flipped: below the broker's, where TCP stays in the kernel */

union address {
	struct sockaddr any;
	struct sockaddr_un un;
	struct sockaddr_in in;
};

/* What the kernel and the broker read while it is written: no atomic, no lock. */
static union address flipped;
static union address addresses[2];
static bool flips_number;
static atomic_bool is_over;
static atomic_ulong flips, connects, connected, refused, reached;

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(2);
}

static void *flip_path(void *arg)
{
	(void)arg;
	while (!is_over) {
		unsigned long n = flips++;

		memcpy((void *)&flipped, &addresses[n & 1], sizeof(flipped));
		__asm__ volatile("" ::: "memory");
	}
	return NULL;
}

static void *flip_number(void *arg)
{
	int placeholder = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)arg;
	while (!is_over) {
		unsigned long n = flips++;
		int fd = n & 1 ? dup(placeholder) : socket(AF_INET, SOCK_STREAM, 0);

		/* In either order: the number first, or the address. */
		if (n & 2)
			memcpy((void *)&flipped, &addresses[n & 1], sizeof(flipped));
		if (dup2(fd, NUMBER) < 0)
			fail("dup2");
		if (!(n & 2))
			memcpy((void *)&flipped, &addresses[n & 1], sizeof(flipped));
		close(fd);
	}
	return NULL;
}

static void look_who(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	char text[16] = "";

	if (poll(&pfd, 1, 2000) == 1 && read(fd, text, sizeof(text) - 1) > 0 &&
	    !strncmp(text, "REACHED", 7))
		reached++;
}

static void *connect_on(void *arg)
{
	/*
	 * For the number, once the length that the filter lets pass for TCP, once another, with
	 * which the broker makes the call.
	 */
	socklen_t size = *(const socklen_t *)arg;

	while (!is_over) {
		int fd = flips_number ? NUMBER : socket(AF_UNIX, SOCK_STREAM, 0);

		if (connect(fd, (const struct sockaddr *)&flipped, size) == 0) {
			connected++;
			if (!flips_number)
				look_who(fd);
		} else {
			refused++;
		}
		connects++;
		if (!flips_number)
			close(fd);
	}
	return NULL;
}

static void *serve(void *arg)
{
	int listener = *(int *)arg;

	while (!is_over) {
		struct pollfd pfd = {.fd = listener, .events = POLLIN};
		int fd = poll(&pfd, 1, 100) == 1 ? accept(listener, NULL, NULL) : -1;

		if (fd < 0)
			continue;
		if (write(fd, "inside\n", 7) < 0)
			fail("write");
		close(fd);
	}
	return NULL;
}

static void unix_address(const char *path, union address *ret)
{
	*ret = (union address){.un = {.sun_family = AF_UNIX}};
	if (strlen(path) >= sizeof(ret->un.sun_path))
		exit(3);
	strcpy(ret->un.sun_path, path);
}

static int make_inside(const char *inside)
{
	socklen_t n = sizeof(addresses[0].in);
	int fd = socket(flips_number ? AF_INET : AF_UNIX, SOCK_STREAM, 0);

	if (flips_number)
		addresses[0].in = (struct sockaddr_in){.sin_family = AF_INET,
						       .sin_addr = {htonl(INADDR_LOOPBACK)}};
	else
		unix_address(inside, &addresses[0]);
	if (bind(fd, &addresses[0].any, flips_number ? n : sizeof(addresses[0].un)) ||
	    listen(fd, 4096))
		fail("bind");
	if (flips_number && getsockname(fd, &addresses[0].any, &n))
		fail("getsockname");
	return fd;
}

int main(int argc, char **argv)
{
	static const socklen_t sizes[CONNECTORS] = {sizeof(struct sockaddr_in),
						    sizeof(struct sockaddr_un)};
	pthread_t threads[CONNECTORS + 2];
	time_t until;
	int listener;

	if (argc != 6)
		return 3;
	flips_number = !strcmp(argv[1], "number");
	listener = make_inside(argv[2]);
	unix_address(argv[3], &addresses[1]);
	flipped = addresses[0];
	until = time(NULL) + atoi(argv[5]);
	pthread_create(&threads[0], NULL, flips_number ? flip_number : flip_path, NULL);
	pthread_create(&threads[1], NULL, serve, &listener);
	for (int i = 0; i < CONNECTORS; i++)
		pthread_create(&threads[2 + i], NULL, connect_on,
			       (void *)(uintptr_t)&sizes[flips_number ? i : CONNECTORS - 1]);
	while (time(NULL) < until || flips < strtoul(argv[4], NULL, 10))
		usleep(10000);
	is_over = true;
	for (int i = 0; i < CONNECTORS + 2; i++)
		pthread_join(threads[i], NULL);
	printf("flips %lu connects %lu connected %lu refused %lu reached %lu\n",
	       (unsigned long)flips, (unsigned long)connects, (unsigned long)connected,
	       (unsigned long)refused, (unsigned long)reached);
	return 0;
}
