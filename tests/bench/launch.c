// SPDX-License-Identifier: Apache-2.0
/*
 * launch - time commands from start to end, in turn
 *
 * launch ROUNDS COMMAND [ARG…] [+ COMMAND [ARG…]]…
 *
 * Each round runs every command once; the first round is not counted. Prints a line
 * with the median of each in microseconds. Standard error of the commands is kept
 * away; one that fails ends it with exit status 1.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define COMMANDS_MAX 8
#define ROUNDS_MAX   1000

extern char **environ;

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t command_time(char **command)
{
	posix_spawn_file_actions_t quiet;
	uint64_t start_us;
	int status = -1;
	pid_t pid;

	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
	start_us = now_us();
	if (posix_spawnp(&pid, command[0], &quiet, NULL, command, environ) == 0)
		waitpid(pid, &status, 0);
	posix_spawn_file_actions_destroy(&quiet);
	if (status != 0) {
		fprintf(stderr, "launch: %s failed, status %#x\n", command[0], (unsigned)status);
		exit(1);
	}
	return now_us() - start_us;
}

static int compare_us(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	static uint64_t took_us[COMMANDS_MAX][ROUNDS_MAX];
	size_t rounds = argc > 2 ? strtoul(argv[1], NULL, 10) : 0, n = 1;
	char **commands[COMMANDS_MAX] = {argv + 2};

	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: launch ROUNDS COMMAND [ARG…] [+ COMMAND [ARG…]]…\n");
		return 2;
	}
	for (int i = 2; i < argc && n < COMMANDS_MAX; i++) {
		if (!strcmp(argv[i], "+")) {
			argv[i] = NULL;
			commands[n++] = argv + i + 1;
		}
	}
	for (size_t i = 0; i < n; i++)
		command_time(commands[i]);
	for (size_t round = 0; round < rounds; round++)
		for (size_t i = 0; i < n; i++)
			took_us[i][round] = command_time(commands[i]);
	for (size_t i = 0; i < n; i++) {
		qsort(took_us[i], rounds, sizeof(took_us[i][0]), compare_us);
		printf("%lu%s", took_us[i][rounds / 2], i + 1 < n ? " " : "\n");
	}
	return 0;
}
