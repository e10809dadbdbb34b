// SPDX-License-Identifier: Apache-2.0
/*
 * parts - what the parts of a call cost by themselves, without any wake-up between them
 *
 * Each is done many times over in this process; what is printed is time on a processor for
 * one. The keeper's files are made in the directory that is given, and taken away again.
 */
#include <fcntl.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ledger/ledger.h"
#include "mcp/json.h"
#include "mcp/message.h"
#include "mcp/response.h"
#include "policy/policy.h"
#include "proxy/http1.h"
#include "state/limits.h"

#define ROUNDS     2000
#define ROUNDS_BIG 100
#define BIG_BYTES  51200

static const char call[] =
	"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{\"name\":"
	"\"get_status\",\"arguments\":{\"sessionId\":\"ses_demo\",\"sendIntentId\":\"int_demo\"},"
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
	"\"io.modelcontextprotocol/clientCapabilities\":{}}}}";
static const char head[] =
	"POST /mcp HTTP/1.1\r\nHost: promptfax.app\r\nContent-Type: application/json\r\n"
	"Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n"
	"Mcp-Method: tools/call\r\nMcp-Name: get_status\r\nContent-Length: 250\r\n\r\n";
static const char policy_text[] =
	"{\"version\":\"1\",\"default\":\"allow\",\"server\":{\"url\":\"https://promptfax.app/"
	"mcp\"},\"all_tools\":{\"limits\":[{\"counter\":\"calls\",\"window\":\"minute\",\"max\":"
	"100000000,\"scope\":\"grant\"}]}}";

struct bench {
	struct mcp_message message;
	struct http1_head head;
	struct policy *policy;
	struct ledger *ledger;
	struct limits *limits;
	EVP_CIPHER_CTX *cipher;
	char *result, *big;
};

static void check(int failed, const char *what)
{
	if (failed) {
		fprintf(stderr, "parts: %s failed: %d\n", what, failed);
		exit(1);
	}
}

static void read_head(struct bench *b)
{
	struct buf in = BUF_INIT(HTTP1_HEAD_MAX);
	struct http1_refusal refusal;

	check(buf_append(&in, head, sizeof(head) - 1), "memory");
	check(http1_read_request(&b->head, &in, &refusal) < 0, "the head");
	buf_free(&in);
}

static void read_message(struct bench *b)
{
	autobuf struct buf out = BUF_INIT(65536);
	struct mcp_refusal refusal;
	struct mcp_message m;

	(void)b;
	check(mcp_message_parse(span_of(call), &m, &refusal), "the message");
	check(mcp_message_serialise(&m, &out), "the message");
	mcp_message_free(&m);
}

static void decide(struct bench *b)
{
	struct policy_call asked = {.server = policy_server_at(b->policy, 0),
				    .tool = b->message.tool,
				    .arguments = b->message.arguments};
	struct policy_decision decision;

	policy_decide(b->policy, &asked, &decision);
	check(decision.verdict != VERDICT_ALLOW, "the decision");
}

static void filter(struct bench *b, const char *text)
{
	autobuf struct buf out = BUF_INIT(MCP_RESPONSE_MAX);
	struct mcp_response_rules rules = {.request = &b->message};
	struct mcp_response_info info;

	check(mcp_response_filter(&rules, span_of(text), &out, NULL, &info, NULL), "the filter");
}

static void filter_result(struct bench *b)
{
	filter(b, b->result);
}

static void filter_big(struct bench *b)
{
	filter(b, b->big);
}

static void parse_big(struct bench *b)
{
	json_auto_t *root = json_loads(b->big, JSON_REJECT_DUPLICATES, NULL);

	check(!root, "jansson");
}

static void charge(struct bench *b)
{
	struct limits_charge one = {
		.key = "calls", .window_ms = 60000, .max = 100000000, .amount = 1};
	struct limits_answer answer;

	check(limits_charge(b->limits, &one, 1, &answer) || answer.over != -1, "the charge");
}

static void append_record(struct bench *b)
{
	struct record *r = ledger_begin(b->ledger, "call.decision");

	record_string(r, "server", span_of("https://promptfax.app/mcp"));
	record_string(r, "tool", span_of("get_status"));
	record_json(r, "args",
		    span_of("{\"sendIntentId\":\"int_demo\",\"sessionId\":\"ses_demo\"}"));
	record_string(r, "rule", span_of("/default"));
	record_string(r, "verdict", span_of("allow"));
	record_u64(r, "conn", 1);
	check(ledger_commit(b->ledger), "the record");
}

/* Four records of TLS 1.3 a call: in, out, in, out. */
static void encrypt(struct bench *b)
{
	static uint8_t bytes[600], sealed[640], tag[16];
	int n;

	for (int i = 0; i < 4; i++) {
		check(EVP_EncryptInit_ex(b->cipher, NULL, NULL, NULL, tag) != 1, "AES-GCM");
		check(EVP_EncryptUpdate(b->cipher, sealed, &n, bytes, sizeof(bytes)) != 1,
		      "AES-GCM");
		check(EVP_EncryptFinal_ex(b->cipher, sealed + n, &n) != 1, "AES-GCM");
		check(EVP_CIPHER_CTX_ctrl(b->cipher, EVP_CTRL_AEAD_GET_TAG, 16, tag) != 1,
		      "AES-GCM");
	}
}

static const struct {
	const char *what;
	void (*run)(struct bench *b);
	int rounds;
} parts[] = {
	{"four TLS records of 600 bytes", encrypt, ROUNDS},
	{"an HTTP head, read", read_head, ROUNDS},
	{"a call of 250 bytes, read strictly and written", read_message, ROUNDS},
	{"the policy's decision", decide, ROUNDS},
	{"a limit, checked and charged in the log", charge, ROUNDS},
	{"a record, hashed, chained and appended", append_record, ROUNDS},
	{"a result of 250 bytes, read, judged and written", filter_result, ROUNDS},
	{"a result of 50 KB, read, judged and written", filter_big, ROUNDS_BIG},
	{"  of which jansson takes to read it", parse_big, ROUNDS_BIG},
};

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Median of seven, so that one disturbance does not count. */
static double measure(struct bench *b, size_t part)
{
	double us[7];

	for (size_t k = 0; k < ARRAY_SIZE(us); k++) {
		double start = cpu_us();

		for (int i = 0; i < parts[part].rounds; i++)
			parts[part].run(b);
		us[k] = (cpu_us() - start) / parts[part].rounds;
	}
	qsort(us, ARRAY_SIZE(us), sizeof(us[0]), compare);
	return us[ARRAY_SIZE(us) / 2];
}

static char *make_result(size_t bytes)
{
	char *text = malloc(bytes + 256);
	int n = text ? sprintf(text, "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"content\":[{"
				     "\"type\":\"text\",\"text\":\"")
		     : 0;

	check(!text, "memory");
	for (size_t i = 0; i < bytes; i++)
		text[n++] = i % 80 == 78 ? '\\' : i % 80 == 79 ? 'n' : (char)('a' + i % 26);
	/* An escape must not lie across the end. */
	if (text[n - 1] == '\\')
		text[n - 1] = '.';
	strcpy(text + n, "\"}],\"isError\":false}}");
	return text;
}

static void open_all(struct bench *b, int dirfd)
{
	static const uint8_t key[16], iv[12];
	struct mcp_refusal refusal;

	check(mcp_message_parse(span_of(call), &b->message, &refusal), "the message");
	check(policy_parse(policy_text, sizeof(policy_text) - 1, "policy", &b->policy, NULL),
	      "the policy");
	check(ledger_new(dirfd, "bench", &b->ledger), "the ledger");
	check(limits_open(dirfd, NULL, &b->limits, NULL), "the limits");
	b->cipher = EVP_CIPHER_CTX_new();
	check(EVP_EncryptInit_ex(b->cipher, EVP_aes_128_gcm(), NULL, key, iv) != 1, "AES-GCM");
	b->result = make_result(150);
	b->big = make_result(BIG_BYTES);
}

static void close_all(struct bench *b, int dirfd)
{
	static const char *const files[] = {"ledger.jsonl", "checkpoints", "limits.lock",
					    "limits.0", "limits.1"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		unlinkat(dirfd, files[i], 0);
	mcp_message_free(&b->message);
	http1_head_free(&b->head);
	policy_free(b->policy);
	ledger_free(b->ledger);
	limits_free(b->limits);
	EVP_CIPHER_CTX_free(b->cipher);
	free(b->result);
	free(b->big);
}

int main(int argc, char **argv)
{
	autoclose int dirfd = argc > 1 ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	struct bench b = {.policy = NULL};

	if (dirfd < 0) {
		fprintf(stderr, "usage: parts DIRECTORY\n");
		return 2;
	}
	open_all(&b, dirfd);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		printf("%10.1f us   %s\n", measure(&b, i), parts[i].what);
	close_all(&b, dirfd);
	return 0;
}
