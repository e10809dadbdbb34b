// SPDX-License-Identifier: Apache-2.0
/*
 * own_resolver NAME - look up a name as a static program without libc's resolver does, by system
 * calls alone, and connect to its port 80
 *
 * Asks the name server on the loopback, by connect() and write(), and by sendto(). Prints a line
 * for each answer, with the family of the address that it came from, and the answer's first word.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define DNS_HEAD 12
#define WAIT_S   5

static size_t make_question(const char *name, uint8_t *ret)
{
	static const uint8_t head[DNS_HEAD] = {0x12, 0x34, 1, 0, 0, 1}, tail[] = {0, 0, 1, 0, 1};
	size_t n = DNS_HEAD;

	memcpy(ret, head, sizeof(head));
	while (*name) {
		size_t label = strcspn(name, ".");

		ret[n++] = (uint8_t)label;
		memcpy(ret + n, name, label);
		n += label;
		name += label + (name[label] == '.');
	}
	memcpy(ret + n, tail, sizeof(tail));
	return n + sizeof(tail);
}

/* The address is what an answer ends with. Return: 0; -1 */
static int ask(const char *name, int is_connected, struct in_addr *ret)
{
	const struct sockaddr_in server = {
		.sin_family = AF_INET, .sin_port = htons(53), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	const struct timeval wait = {.tv_sec = WAIT_S};
	struct sockaddr_in from = {.sin_family = AF_UNSPEC};
	socklen_t size = sizeof(from);
	uint8_t question[512], answer[512];
	size_t n = make_question(name, question);
	int fd = (int)syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0);
	long got = 0;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (is_connected)
		got = syscall(SYS_connect, fd, &server, sizeof(server));
	if (!got)
		got = is_connected
			      ? syscall(SYS_write, fd, question, n)
			      : syscall(SYS_sendto, fd, question, n, 0, &server, sizeof(server));
	if (got == (long)n)
		got = syscall(SYS_recvfrom, fd, answer, sizeof(answer), 0, &from, &size);
	close(fd);
	if (got <= (long)n)
		return -1;
	memcpy(ret, answer + got - sizeof(*ret), sizeof(*ret));
	printf("%s from family %d\n", inet_ntoa(*ret), from.sin_family);
	return 0;
}

int main(int argc, char **argv)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(80)};
	char answer[16] = "";
	int fd;

	if (argc < 2 || strlen(argv[1]) > 200 || ask(argv[1], 1, &to.sin_addr) ||
	    ask(argv[1], 0, &to.sin_addr))
		return 1;
	fd = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
	if (syscall(SYS_connect, fd, &to, sizeof(to)) ||
	    syscall(SYS_write, fd, request, sizeof(request) - 1) < 0 ||
	    syscall(SYS_read, fd, answer, 4) != 4)
		return 2;
	printf("%s\n", answer);
	return 0;
}
