// SPDX-License-Identifier: Apache-2.0
/*
 * Two passes over the ledger: the first notes how each call ended, the second prints calls
 * and denials in their order. What the ledger quotes was written by strangers: every text
 * is escaped before it reaches a terminal, in JSON by escapes of JSON.
 */
#include "commands/trace.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "commands/run_lookup.h"
#include "ledger/run_files.h"
#include "ledger/scan.h"
#include "trace_process.h"

#define TEXT_MAX    8192 /* bytes of a field that are shown */
#define WRONG_USAGE 2

static const char usage[] =
	"usage: mcpjail trace [RUN] [--process WHAT] [--json]\n"
	"\n"
	"Lists the calls and denials of a run, by default the last.\n"
	"RUN is a run's directory or id. --json prints their records. --process shows those of "
	"one\n"
	"process or program: a pid, a name (curl), or a path (/usr/bin/curl).\n";

struct outcome {
	uint64_t call_id;
	char outcome[16];
	char ms[24];
	char http[8];
	bool is_error;
};

struct outcomes {
	struct outcome *items;
	size_t n, cap;
};

/* --- fields ------------------------------------------------------------------ */

static bool is_type(struct span record, const char *type)
{
	char text[64];

	return scan_copy_string(scan_find(record, "type"), text, sizeof(text)) &&
	       !strcmp(text, type);
}

/* A string field, unescaped and made safe to show; anything else as it is written. */
static void shown(struct span record, const char *key, char *ret, size_t size)
{
	struct span raw = scan_find(record, key);
	autobuf struct buf text = BUF_INIT(1 << 20);

	if (raw.n && raw.p[0] == '"' && !scan_string(raw, &text))
		raw = span_bytes(text.data, text.len);
	else if (span_equals(raw, "null"))
		raw.n = 0;
	text_escape_terminal(raw.p ? raw.p : "", raw.n, ret, size);
}

/* --- the first pass ----------------------------------------------------------- */

static int note_outcome(struct outcomes *os, struct span record)
{
	struct outcome o = {0};

	if (!is_type(record, "call.result") && !is_type(record, "call.outcome_unknown"))
		return 0;
	if (!scan_u64(scan_find(record, "call_id"), &o.call_id))
		return 0;
	shown(record, "outcome", o.outcome, sizeof(o.outcome));
	shown(record, "upstream_ms", o.ms, sizeof(o.ms));
	shown(record, "http_status", o.http, sizeof(o.http));
	o.is_error = span_equals(scan_find(record, "is_error"), "true");
	if (os->n == os->cap) {
		size_t cap = os->cap ? 2 * os->cap : 256;
		struct outcome *grown = reallocarray(os->items, cap, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		os->items = grown;
		os->cap = cap;
	}
	os->items[os->n++] = o;
	return 0;
}

static int compare_outcomes(const void *a, const void *b)
{
	const struct outcome *x = a, *y = b;

	return (x->call_id > y->call_id) - (x->call_id < y->call_id);
}

static const struct outcome *find_outcome(const struct outcomes *os, uint64_t call_id)
{
	struct outcome key = {.call_id = call_id};

	if (!os->n)
		return NULL;
	return bsearch(&key, os->items, os->n, sizeof(key), compare_outcomes);
}

/* --- the second pass ------------------------------------------------------------ */

/* "2026-01-02T03:04:05.123456Z" → "03:04:05.123" */
static void print_time(struct span record)
{
	char ts[64];

	shown(record, "ts", ts, sizeof(ts));
	printf("%.12s  ", strlen(ts) > 23 ? ts + 11 : ts);
}

static void print_outcome(const struct outcome *o)
{
	if (!o) {
		printf("  no outcome");
		return;
	}
	if (strcmp(o->outcome, "answered"))
		printf("  outcome %s", o->outcome);
	if (o->is_error)
		printf("  error");
	if (o->http[0])
		printf("  HTTP %s", o->http);
	if (o->ms[0])
		printf("  %s ms", o->ms);
}

static void print_process(struct span record)
{
	char text[TEXT_MAX];

	trace_process_text(record, text, sizeof(text));
	if (text[0])
		printf("              by %s\n", text);
}

static void print_call(struct span record, const struct outcomes *os)
{
	char verdict[16], tool[512], method[512], rule[2048], text[TEXT_MAX];
	uint64_t call_id = 0;

	shown(record, "verdict", verdict, sizeof(verdict));
	shown(record, "tool", tool, sizeof(tool));
	shown(record, "method", method, sizeof(method));
	shown(record, "rule", rule, sizeof(rule));
	print_time(record);
	printf("%-5s  %s  %s", verdict, tool[0] ? tool : method, rule);
	if (!strcmp(verdict, "allow") && scan_u64(scan_find(record, "call_id"), &call_id))
		print_outcome(find_outcome(os, call_id));
	printf("\n");
	shown(record, "reason", text, sizeof(text));
	if (text[0])
		printf("              reason %s\n", text);
	shown(record, "args", text, sizeof(text));
	if (text[0])
		printf("              args %s\n", text);
	print_process(record);
}

static void print_denial(struct span record)
{
	char protocol[64], host[1024], address[256], port[16], text[TEXT_MAX];
	uint64_t suppressed;

	if (scan_u64(scan_find(record, "suppressed"), &suppressed)) {
		shown(record, "reason", text, sizeof(text));
		print_time(record);
		printf("deny   %lu more  %s\n", (unsigned long)suppressed, text);
		return;
	}
	shown(record, "protocol", protocol, sizeof(protocol));
	shown(record, "host", host, sizeof(host));
	shown(record, "address", address, sizeof(address));
	shown(record, "port", port, sizeof(port));
	shown(record, "reason", text, sizeof(text));
	print_time(record);
	printf("deny   %s %s%s%s  %s\n", protocol, host[0] ? host : address, port[0] ? ":" : "",
	       port, text);
	shown(record, "detail", text, sizeof(text));
	if (text[0])
		printf("              %s\n", text);
	print_process(record);
}

static void print_allowed(struct span record)
{
	char protocol[64], host[1024], port[16], rule[2048], text[TEXT_MAX];

	shown(record, "protocol", protocol, sizeof(protocol));
	shown(record, "host", host, sizeof(host));
	shown(record, "port", port, sizeof(port));
	shown(record, "rule", rule, sizeof(rule));
	shown(record, "detail", text, sizeof(text));
	print_time(record);
	printf("pass   %s %s:%s  %s  %s\n", protocol, host, port, text, rule);
	print_process(record);
}

/* JSON with every character beyond ASCII escaped: it stays the same value, and shows no tricks. */
static void print_json(struct span record)
{
	const uint8_t *p = (const uint8_t *)record.p, *end = p + record.n;

	while (p < end) {
		size_t n = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
		uint32_t code = n == 1 ? *p : *p & (0x7fu >> n);

		for (size_t i = 1; i < n && p + i < end; i++)
			code = code << 6 | (p[i] & 0x3fu);
		if (code >= 0x10000)
			printf("\\u%04x\\u%04x", 0xd7c0 + (code >> 10), 0xdc00 + (code & 0x3ff));
		else if (code >= 0x7f)
			printf("\\u%04x", code);
		else
			putchar((int)code);
		p += n;
	}
	putchar('\n');
}

/* Return: whether it is one of those that are listed */
static bool print_record(struct span record, const struct outcomes *os, bool as_json)
{
	static const char *const listed[] = {"call.decision", "call.result", "call.outcome_unknown",
					     "net.denied", "net.allowed"};
	bool is_listed = false;

	for (size_t i = 0; !is_listed && i < ARRAY_SIZE(listed); i++)
		is_listed = is_type(record, listed[i]);
	if (!is_listed)
		return false;
	if (as_json)
		print_json(record);
	else if (is_type(record, "call.decision"))
		print_call(record, os);
	else if (is_type(record, "net.denied"))
		print_denial(record);
	else if (is_type(record, "net.allowed"))
		print_allowed(record);
	return true;
}

/* --- the command ---------------------------------------------------------------- */

/* Return: 1 if it was printed; 0; -ENOMEM */
static int print_selected(struct span record, struct trace_selection *selection,
			  const struct outcomes *os, bool as_json)
{
	int r = trace_select(selection, record);

	return r > 0 ? print_record(record, os, as_json) : r;
}

static int trace(FILE *file, struct trace_selection *selection, bool as_json)
{
	struct outcomes os = {0};
	autofree char *line = NULL;
	size_t cap = 0, bad = 0;
	bool is_empty = true;
	ssize_t n;
	int r = 0;

	/* A last line without its end is still being written. */
	while (!r && (n = getline(&line, &cap, file)) > 0)
		if (line[n - 1] == '\n' && scan_is_value(span_bytes(line, (size_t)n - 1)))
			r = note_outcome(&os, span_bytes(line, (size_t)n - 1));
	if (os.n)
		qsort(os.items, os.n, sizeof(os.items[0]), compare_outcomes);
	rewind(file);
	while (r >= 0 && (n = getline(&line, &cap, file)) > 0) {
		struct span record = span_bytes(line, (size_t)n - 1);

		if (line[n - 1] == '\n' && scan_is_value(record))
			r = print_selected(record, selection, &os, as_json);
		else
			bad++;
		is_empty = is_empty && r <= 0;
	}
	free(os.items);
	if (is_empty && r >= 0 && !bad && !as_json)
		printf("no calls, no denials%s\n", selection->what ? " of such a process" : "");
	if (bad)
		log_error("%zu lines are no records: see mcpjail verify", bad);
	return r < 0 ? r : 0;
}

int command_trace(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
						{"process", required_argument, NULL, 'p'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	struct error err = {0};
	char path[PATH_MAX], line[ERROR_LINE_BYTES];
	autoclose int fd = -1;
	struct trace_selection selection = {.what = NULL};
	bool as_json = false;
	FILE *file;
	int option, r;

	optind = 1;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'j') {
			as_json = true;
			continue;
		}
		if (option == 'p') {
			selection.what = optarg;
			continue;
		}
		fputs(usage, option == 'h' ? stdout : stderr);
		return option == 'h' ? EXIT_SUCCESS : WRONG_USAGE;
	}
	if (argc - optind > 1) {
		fputs(usage, stderr);
		return WRONG_USAGE;
	}
	if (run_lookup(argv[optind], path, &fd, &err)) {
		error_format(&err, line, sizeof(line));
		log_error("%s", line);
		return EXIT_FAILURE;
	}
	file = run_ledger_open(fd);
	if (!file) {
		log_error("%s: ledger.jsonl: %s", path, strerror(errno));
		return EXIT_FAILURE;
	}
	if (!as_json)
		printf("%s\n", path);
	r = trace(file, &selection, as_json);
	free(selection.calls);
	fclose(file);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}
