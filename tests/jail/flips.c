// SPDX-License-Identifier: Apache-2.0
/*
 * flips TRIES PORT - connect() again and again, with an address that a second thread changes all
 * the time: between one that a jail may send to its proxy, and the host's 127.0.0.1:PORT
 *
 * Prints how many connections were made, and how many of them brought a byte at once, which only
 * the host's listener sends.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static volatile struct sockaddr_in target;
static volatile int ends;
static uint16_t port;

static void *flip(void *arg)
{
	(void)arg;
	while (!ends) {
		target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		target.sin_port = htons(port);
		target.sin_addr.s_addr = htonl(0xc000024d); /* 192.0.2.77 */
		target.sin_port = htons(443);
	}
	return NULL;
}

/* Return: whether somebody spoke first */
static int is_greeted(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char byte;

	return poll(&p, 1, 0) == 1 && recv(fd, &byte, 1, MSG_DONTWAIT) == 1;
}

int main(int argc, char **argv)
{
	unsigned long tries = argc == 3 ? strtoul(argv[1], NULL, 10) : 0, made = 0, greeted = 0;
	pthread_t thread;

	if (!tries)
		return 2;
	port = (uint16_t)atoi(argv[2]);
	target.sin_family = AF_INET;
	if (pthread_create(&thread, NULL, flip, NULL))
		return 2;
	for (unsigned long i = 0; i < tries; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (fd < 0)
			return 3;
		if (!connect(fd, (const struct sockaddr *)(uintptr_t)&target, sizeof(target))) {
			made++;
			greeted += (unsigned long)is_greeted(fd);
		}
		close(fd);
	}
	ends = 1;
	pthread_join(thread, NULL);
	printf("%lu connected, %lu greeted\n", made, greeted);
	return 0;
}
