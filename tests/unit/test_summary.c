// SPDX-License-Identifier: Apache-2.0
/*
 * The end-of-run summary, as --summary's file gets it: what helps for each kind of refusal.
 */
#include "cmocka_all.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "commands/summary.h"

static const char policy_text[] =
	"{\"egress\":[{\"preset\":\"claude-code\"},{\"host\":\"ok.example\"},"
	"{\"host\":\"host.mcpjail.internal\",\"ports\":[8000],\"mode\":\"tunnel\"}]}";

struct refusal {
	const char *host, *protocol;
	uint32_t port;
	uint64_t count;
};

static void fill(struct run_result *res, const struct refusal *refusals, size_t n)
{
	*res = (struct run_result){.end = RUN_END_EXITED, .has_ledger = true};
	snprintf(res->ledger.head, sizeof(res->ledger.head), "HEAD");
	snprintf(res->ledger.key_fingerprint, sizeof(res->ledger.key_fingerprint), "KEY");
	for (size_t i = 0; i < n; i++) {
		snprintf(res->ledger.refused[i].host, sizeof(res->ledger.refused[i].host), "%s",
			 refusals[i].host);
		snprintf(res->ledger.refused[i].protocol, sizeof(res->ledger.refused[i].protocol),
			 "%s", refusals[i].protocol);
		res->ledger.refused[i].port = refusals[i].port;
		res->ledger.refused[i].count = refusals[i].count;
	}
	res->ledger.n_refused = n;
}

static void tell(const struct run_result *res, struct summary_facts facts, char *ret, size_t size)
{
	char path[] = "/tmp/mcpjail-summary-XXXXXX";
	autoclose int fd = mkstemp(path);
	ssize_t n;

	assert_true(fd >= 0);
	unlink(path);
	facts.fd = fd;
	log_set_level(LOG_ERROR);
	summary_tell(res, &facts);
	n = pread(fd, ret, size - 1, 0);
	assert_true(n >= 0);
	ret[n] = '\0';
}

static void tell_of(const struct refusal *refusals, size_t n, const char *policy_file, char *ret,
		    size_t size)
{
	static struct run_result res; /* large */
	autopolicy struct policy *policy = NULL;

	assert_int_equal(policy_parse(policy_text, strlen(policy_text), "p", &policy, NULL), 0);
	fill(&res, refusals, n);
	tell(&res,
	     (struct summary_facts){.run_dir = "/runs/1",
				    .policy = policy,
				    .presets = "claude-code",
				    .policy_file = policy_file},
	     ret, size);
}

static void test_each_refusal_names_what_helps(void **state)
{
	static const struct {
		struct refusal refusal;
		const char *line;
	} rows[] = {
		{{"example.org", "https", 443, 3},
		 "refused: example.org:443, 3 times; to allow it: --allow example.org, or mcpjail "
		 "policy allow example.org\n"},
		{{"example.org", "http", 80, 1},
		 "refused: example.org:80, 1 time; to allow it: --allow example.org:80, or mcpjail "
		 "policy allow example.org:80\n"},
		{{"example.org", "tls", 8443, 1}, "--allow example.org:8443, or "},
		{{"example.org", "connect", 443, 1}, "--allow example.org, or "},
		{{"github.com", "ssh", 22, 2},
		 "refused: github.com:22 (ssh), 2 times; ssh does not leave the jail; for git use "
		 "https: git config --global url.\"https://github.com/\".insteadOf "
		 "git@github.com:, and --allow github.com\n"},
		{{"192.0.2.9", "ssh", 22, 1}, "for git use a remote of https"},
		{{"127.0.0.1", "loopback", 3000, 2},
		 "refused: 127.0.0.1:3000, 2 times; nothing listens there in the jail; if this "
		 "machine's own port 3000 was meant: --forward-host 3000, and "
		 "host.mcpjail.internal:3000 in the jail\n"},
		{{"::1", "loopback", 3000, 1}, "refused: [::1]:3000, 1 time; nothing listens"},
		{{"192.0.2.9", "https", 443, 1},
		 "refused: 192.0.2.9:443, 1 time; to allow it: --allow 192.0.2.9, or mcpjail "
		 "policy allow 192.0.2.9\n"},
		{{"2001:db8::9", "tls", 8443, 1},
		 "refused: [2001:db8::9]:8443, 1 time; to allow it: --allow "
		 "'[2001:db8::9]:8443', or mcpjail policy allow '[2001:db8::9]:8443'\n"},
		{{"192.0.2.9", "udp", 123, 1},
		 "refused: 192.0.2.9:123 (udp), 1 time; udp does not leave the jail, and no flag "
		 "changes that"},
		{{"192.0.2.9", "dns", 53, 1}, "(dns), 1 time; answered by the jail's own DNS"},
		{{"db.example.org", "tcp", 5432, 1},
		 "(tcp), 1 time; it said nothing, or spoke neither HTTP nor TLS"},
		{{"claude.ai", "https", 443, 2}, "refused: claude.ai:443, 2 times; to log in"},
		/* what is no destination */
		{{"/jail/nested_sandbox", "jail", 0, 1},
		 "refused: a sandbox of the command's own, 1 time; to allow it: \"jail\": "
		 "{\"nested_sandbox\": true} in the policy\n"},
		{{"/jail/ptrace", "jail", 0, 2},
		 "refused: tracing a process, 2 times; to allow it: \"jail\": {\"ptrace\": true} "
		 "in "
		 "the policy\n"},
		{{"/run/docker.sock", "unix", 0, 3},
		 "refused: the socket /run/docker.sock, 3 times; to allow it: \"sockets\": "
		 "[\"/run/docker.sock\"] in the policy\n"},
		{{"/run/a\"],\"x", "unix", 0, 1},
		 "1 time; to allow it: list it in the policy's "
		 "\"sockets\"\n"},
		/* the host's loopback: a port of it that is not forwarded, and one that is */
		{{"host.mcpjail.internal", "http", 81, 1},
		 "refused: host.mcpjail.internal:81, 1 time; to reach this machine's own port 81: "
		 "--forward-host 81\n"},
		{{"host.mcpjail.internal", "tcp", 5432, 2}, "own port 5432: --forward-host 5432\n"},
		{{"host.mcpjail.internal", "ssh", 22, 1}, "own port 22: --forward-host 22\n"},
		{{"host.mcpjail.internal", "udp", 81, 1}, "udp does not leave the jail"},
		{{"host.mcpjail.internal", "tls", 8000, 1},
		 "refused: host.mcpjail.internal:8000, 1 time; that port is forwarded: mcpjail "
		 "trace "
		 "shows why it was refused\n"},
		{{"localhost", "http", 3000, 1},
		 "refused: localhost:3000, 1 time; nothing listens there in the jail; if this "
		 "machine's own port 3000 was meant: --forward-host 3000, and "
		 "host.mcpjail.internal:3000 in the jail\n"},
		{{"127.0.0.1", "connect", 443, 1}, "1 time; nothing listens there in the jail"},
		/* What would do something else in a shell is offered nowhere. */
		{{"x;reboot", "https", 443, 1},
		 "refused: x;reboot:443, 1 time; no flag allows it: that is no host name\n"},
		/* Nor what would allow more than was asked for. */
		{{"*.example.org", "https", 443, 1},
		 "refused: *.example.org:443, 1 time; no flag allows it: that is no host name\n"},
		{{"*.example.org", "ssh", 22, 1}, "for git use a remote of https"},
		{{"$(reboot)", "ssh", 22, 1}, "for git use a remote of https"},
		{{"a b", "http", 80, 1}, "no flag allows it"},
		{{"\033[2J.example.org", "http", 80, 1}, "refused: \\x1b[2J.example.org:80"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[4096];

		tell_of(&rows[i].refusal, 1, NULL, text, sizeof(text));
		if (!strstr(text, rows[i].line))
			fail_msg("row %zu: %s", i, text);
		assert_non_null(strstr(text, "\nrecords: /runs/1\nanchor: HEAD:KEY\n"));
	}
}

static void test_the_policy_that_was_named_is_the_one_to_change(void **state)
{
	static const struct refusal refusal = {"example.org", "https", 443, 1};
	static const struct {
		const char *file, *line;
	} rows[] = {
		{NULL, "or mcpjail policy allow example.org\n"},
		{"ci/p.json", "or mcpjail policy allow -p ci/p.json example.org\n"},
		{"my policy.json", "or mcpjail policy allow -p FILE example.org\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[4096];

		tell_of(&refusal, 1, rows[i].file, text, sizeof(text));
		assert_non_null(strstr(text, rows[i].line));
	}
}

static void test_telemetry_is_one_line(void **state)
{
	static const struct refusal refusals[] = {
		{"statsig.anthropic.com", "https", 443, 9},
		{"example.org", "https", 443, 1},
		{"http-intake.logs.us5.datadoghq.com", "https", 443, 5},
	};
	char text[4096];

	(void)state;
	tell_of(refusals, ARRAY_SIZE(refusals), NULL, text, sizeof(text));
	assert_non_null(strstr(text, "refused as telemetry: 2 hosts, 14 times (left out by preset "
				     "claude-code on purpose)\n"));
	assert_null(strstr(text, "statsig"));
	assert_non_null(strstr(text, "refused: example.org:443"));
}

static void test_a_long_list_ends_with_how_many_more(void **state)
{
	static struct refusal refusals[IPC_REFUSED_MAX];
	static char hosts[IPC_REFUSED_MAX][32];
	size_t lines = 0;
	char text[16384];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		snprintf(hosts[i], sizeof(hosts[i]), "h%zu.example.org", i);
		refusals[i] = (struct refusal){hosts[i], "https", 443, 1};
	}
	tell_of(refusals, SUMMARY_REFUSED_MAX + 3, NULL, text, sizeof(text));
	for (const char *at = text; (at = strstr(at, "refused: h")); at++)
		lines++;
	assert_int_equal(lines, SUMMARY_REFUSED_MAX);
	assert_non_null(strstr(text, "refused: and 3 more; mcpjail trace shows them\n"));
	tell_of(refusals, IPC_REFUSED_MAX, NULL, text, sizeof(text));
	assert_non_null(strstr(text, "refused: and 20 or more; "));
}

/* A list that was filled with telemetry's ports, and requests that an allowed host's rule refused.
 */
static void test_what_the_list_leaves_out_is_counted(void **state)
{
	static struct run_result res;
	static const struct refusal none;
	char text[4096];

	(void)state;
	fill(&res, &none, 0);
	tell(&res, (struct summary_facts){.run_dir = "/runs/1", .presets = ""}, text, sizeof(text));
	assert_null(strstr(text, "refused"));
	res.ledger.refused_elsewhere = 9;
	res.ledger.refused_requests = 1;
	tell(&res, (struct summary_facts){.run_dir = "/runs/1", .presets = ""}, text, sizeof(text));
	assert_non_null(strstr(text, "refused: 9 more times, at destinations beyond those; mcpjail "
				     "trace shows them\n"));
	assert_non_null(strstr(text, "refused: 1 request, for what was said and not for where it "
				     "went; mcpjail trace shows why\n"));
}

static void test_without_a_ledger_nothing_is_made_up(void **state)
{
	static struct run_result res;
	char text[4096];

	(void)state;
	res.end = RUN_END_NOT_MADE;
	tell(&res, (struct summary_facts){.run_dir = "/runs/1", .presets = ""}, text, sizeof(text));
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_refusal_names_what_helps),
		cmocka_unit_test(test_the_policy_that_was_named_is_the_one_to_change),
		cmocka_unit_test(test_telemetry_is_one_line),
		cmocka_unit_test(test_a_long_list_ends_with_how_many_more),
		cmocka_unit_test(test_what_the_list_leaves_out_is_counted),
		cmocka_unit_test(test_without_a_ledger_nothing_is_made_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
