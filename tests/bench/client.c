// SPDX-License-Identifier: Apache-2.0
/*
 * client - time tools/calls of 250 bytes over TLS with keep-alive
 *
 * Latency: one connection, one call after the other. Load: so many connections, each with
 * one call under way; answers are read in turn and each is followed by the next call at
 * once, so that the server always has work.
 *
 * With --latency and --load it does these two, and prints one line: connect_us=N p50_us=N
 * p99_us=N rps=N. With --first it makes one call and prints how long after its own start
 * the answer was there. Without any it reads commands, one a line, and answers each with a
 * line:
 *   latency CALLS MS        p50_us p99_us of as many, or of what MS milliseconds allow
 *   open CONNS              so many connections for what follows, the old ones closed
 *   load CONNS CALLS MS     rps calls, over as many of those
 *   handshakes N MS         handshakes_s: connections with a full handshake, one by one
 *   names N                 fresh_us known_us: handshakes with N new names, and once more
 *   big CALLS               p50_us of calls answered with 50 KB
 *   stream                  head_us first_us delay_us delay_p99_us of an event stream
 *   idle N                  N more connections, each with one call behind it, stay open
 *   drop                    they are closed
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call.h"

#define CONNECTIONS_MAX 1024
#define CALLS_MAX       10000000
#define TOOL            "get_status"
#define TOOL_BIG        "get_report"
#define TOOL_STREAM     "watch"

struct settings {
	struct endpoint to;
	const char *ca;
	size_t latency_calls, load_calls, connections;
	bool first;
};

static struct conn conns[CONNECTIONS_MAX], idle[CONNECTIONS_MAX];
static size_t n_idle;

static uint64_t median(uint64_t *us, size_t n)
{
	qsort(us, n, sizeof(*us), compare_us);
	return us[n / 2];
}

static void *array(size_t n)
{
	void *p = calloc(n ? n : 1, sizeof(uint64_t));

	if (!p)
		die("memory");
	return p;
}

static void measure_latency(const struct settings *s, const char *tool, size_t calls,
			    uint64_t most_ms)
{
	uint64_t *took_us = array(calls), end_us;
	size_t n = 0;

	for (size_t i = 0; i < calls / 10; i++) {
		call_send(&conns[0], s->to.name, tool);
		call_receive(&conns[0]);
	}
	for (end_us = now_us() + most_ms * 1000; n < calls && (n < 10 || now_us() < end_us); n++) {
		call_send(&conns[0], s->to.name, tool);
		took_us[n] = call_receive(&conns[0]);
	}
	qsort(took_us, n, sizeof(*took_us), compare_us);
	printf("p50_us=%lu p99_us=%lu ", took_us[n / 2], took_us[n * 99 / 100]);
	free(took_us);
}

/* Each with a call behind it, so that whatever is made ready once is ready. */
static void open_connections(const struct settings *s, size_t connections)
{
	for (size_t i = 0; i < connections; i++) {
		if (!conns[i].ssl)
			conn_open(&s->to, &conns[i]);
		call_send(&conns[i], s->to.name, TOOL);
	}
	for (size_t i = 0; i < connections; i++)
		call_receive(&conns[i]);
}

static void measure_load(const struct settings *s, size_t connections, size_t calls,
			 uint64_t most_ms)
{
	size_t sent = 0, received = 0;
	uint64_t start_us = now_us(), end_us = start_us + most_ms * 1000;

	for (; sent < connections && sent < calls; sent++)
		call_send(&conns[sent], s->to.name, TOOL);
	for (size_t i = 0; received < sent; i = (i + 1) % connections) {
		call_receive(&conns[i]);
		received++;
		if (sent < calls && now_us() < end_us) {
			call_send(&conns[i], s->to.name, TOOL);
			sent++;
		}
	}
	printf("rps=%.0f calls=%zu ", (double)received * 1e6 / (double)(now_us() - start_us),
	       received);
}

static void measure_handshakes(const struct settings *s, size_t count, uint64_t most_ms)
{
	uint64_t start_us = now_us();
	size_t n = 0;

	for (; n < count && now_us() < start_us + most_ms * 1000; n++)
		conn_handshake(&s->to);
	printf("handshakes_s=%.0f calls=%zu ", (double)n * 1e6 / (double)(now_us() - start_us), n);
}

static void measure_names(const struct settings *s, size_t count)
{
	uint64_t *fresh_us = array(count), *known_us = array(count);
	static unsigned long series;
	char name[64];

	series++;
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < count; i++) {
			struct endpoint to = s->to;

			snprintf(name, sizeof(name), "h%lu-%zu.bench.example", series, i);
			to.host = to.name = name;
			(round ? known_us : fresh_us)[i] = conn_handshake(&to);
		}
	printf("fresh_us=%lu known_us=%lu ", median(fresh_us, count), median(known_us, count));
	free(fresh_us);
	free(known_us);
}

static void measure_stream(const struct settings *s)
{
	struct stream_times t;

	call_send(&conns[0], s->to.name, TOOL_STREAM);
	call_stream(&conns[0], &t);
	qsort(t.delay_us, t.n, sizeof(t.delay_us[0]), compare_us);
	printf("head_us=%lu first_us=%lu delay_us=%lu delay_p99_us=%lu ", t.head_us, t.first_us,
	       t.delay_us[t.n / 2], t.delay_us[t.n * 99 / 100]);
}

static void open_idle(const struct settings *s, size_t count)
{
	if (count > CONNECTIONS_MAX - n_idle)
		die("too many connections");
	while (count--) {
		conn_open(&s->to, &idle[n_idle]);
		call_send(&idle[n_idle], s->to.name, TOOL);
		call_receive(&idle[n_idle++]);
	}
	printf("idle=%zu ", n_idle);
}

static void drop_idle(void)
{
	while (n_idle)
		conn_close(&idle[--n_idle]);
}

static size_t number_parse(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || *end || n > CALLS_MAX) {
		errno = EINVAL;
		die(text);
	}
	return n;
}

static void obey(const struct settings *s, const char *line)
{
	size_t n[3] = {0};
	char what[32] = "";

	sscanf(line, "%31s %zu %zu %zu", what, &n[0], &n[1], &n[2]);
	if (!strcmp(what, "open")) {
		for (size_t i = 0; i < CONNECTIONS_MAX; i++)
			conn_close(&conns[i]);
		open_connections(s, n[0] <= CONNECTIONS_MAX ? n[0] : CONNECTIONS_MAX);
	} else if (!strcmp(what, "latency")) {
		measure_latency(s, TOOL, n[0], n[1]);
	} else if (!strcmp(what, "load")) {
		measure_load(s, n[0] && n[0] <= CONNECTIONS_MAX ? n[0] : 1, n[1], n[2]);
	} else if (!strcmp(what, "handshakes"))
		measure_handshakes(s, n[0], n[1]);
	else if (!strcmp(what, "names"))
		measure_names(s, n[0]);
	else if (!strcmp(what, "big"))
		measure_latency(s, TOOL_BIG, n[0], 60000);
	else if (!strcmp(what, "stream"))
		measure_stream(s);
	else if (!strcmp(what, "idle"))
		open_idle(s, n[0]);
	else if (!strcmp(what, "drop"))
		drop_idle();
	else
		die("no such command");
	printf("ok=1\n");
	fflush(stdout);
}

static const struct option options[] = {
	{"host", required_argument, NULL, 'h'}, {"port", required_argument, NULL, 'p'},
	{"name", required_argument, NULL, 'n'}, {"ca", required_argument, NULL, 'a'},
	{"via", required_argument, NULL, 'v'},  {"latency", required_argument, NULL, 'l'},
	{"load", required_argument, NULL, 'r'}, {"connections", required_argument, NULL, 'c'},
	{"first", no_argument, NULL, 'f'},      {NULL, 0, NULL, 0},
};

static void options_parse(int argc, char **argv, struct settings *s)
{
	int id;

	while ((id = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (id == 'h')
			s->to.host = optarg;
		else if (id == 'p')
			s->to.port = optarg;
		else if (id == 'n')
			s->to.name = optarg;
		else if (id == 'a')
			s->ca = optarg;
		else if (id == 'v')
			s->to.via = optarg;
		else if (id == 'l')
			s->latency_calls = number_parse(optarg);
		else if (id == 'r')
			s->load_calls = number_parse(optarg);
		else if (id == 'c')
			s->connections = number_parse(optarg);
		else if (id == 'f')
			s->first = true;
		else
			exit(2);
	}
	if (s->connections < 1 || s->connections > CONNECTIONS_MAX)
		die("--connections out of range");
}

int main(int argc, char **argv)
{
	struct settings s = {
		.to = {.host = "promptfax.app", .port = "443", .name = "promptfax.app"},
		.connections = 32};
	uint64_t start_us = now_us(), connecting_us;
	char line[128];

	options_parse(argc, argv, &s);
	signal(SIGPIPE, SIG_IGN);
	s.to.tls = call_tls(s.ca);
	connecting_us = now_us();
	if (s.first || s.latency_calls || s.load_calls) {
		conn_open(&s.to, &conns[0]);
		printf("connect_us=%lu ", now_us() - connecting_us);
		if (s.first) {
			call_send(&conns[0], s.to.name, TOOL);
			call_receive(&conns[0]);
			printf("first_us=%lu ", now_us() - start_us);
		}
		if (s.latency_calls)
			measure_latency(&s, TOOL, s.latency_calls, 600000);
		if (s.load_calls) {
			open_connections(&s, s.connections);
			measure_load(&s, s.connections, s.load_calls, 600000);
		}
		printf("\n");
	} else {
		while (fgets(line, sizeof(line), stdin))
			obey(&s, line);
	}
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		conn_close(&conns[i]);
	drop_idle();
	SSL_CTX_free(s.to.tls);
	return 0;
}
