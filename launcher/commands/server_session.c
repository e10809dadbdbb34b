// SPDX-License-Identifier: Apache-2.0
#include "server_session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "mcp/json.h"
#include "mcp/response.h"
#include "policy/json/json_auto.h"
#include "policy/policy.h"
#include "proxy/http1.h"
#include "proxy/sse.h"
#include "proxy/tls.h"
#include "run_preparation.h"
#include "server_dial.h"

#define LEGACY      "2025-11-25"
#define MODERN      "2026-07-28"
#define REQUEST_MAX (64u << 10)
#define ID_MAX      1024
#define POLICY_MAX  8192

/* What one server is asked over, several requests long. */
struct asking {
	struct server_dialer dialer;
	struct trust_store *trust;
	struct tls_client *client;
	struct tls_session tls;
	struct policy *policy; /* that names the server and nothing else */
	const struct policy_server *server;
	char session[ID_MAX + 1];
	const char *version;
	bool is_modern;
	json_int_t last_id;
};

/* One request, and what has come of its answer. */
struct request {
	struct stream stream;
	struct buf in;
	struct http1_head head;
	struct http1_body body;
	struct sse_decoder sse;
	struct buf bytes; /* of a body that is no event stream */
	json_int_t id;    /* 0: a notification, which has no answer */
	json_t *answer;   /* the message with that id */
	uint64_t until_ms;
};

/* --- one exchange ---------------------------------------------------------------------- */

static void request_end(struct request *q)
{
	stream_close(&q->stream);
	buf_free(&q->in);
	buf_free(&q->bytes);
	http1_head_free(&q->head);
	sse_decoder_free(&q->sse);
	json_decref(q->answer);
}

static int wait_for(struct request *q, short events)
{
	struct pollfd fd = {.fd = q->stream.fd, .events = events};
	uint64_t now = clock_mono_ms();

	if (now >= q->until_ms || poll(&fd, 1, (int)(q->until_ms - now)) == 0)
		return -ETIMEDOUT;
	stream_on_ready(&q->stream, events == POLLIN ? EPOLLIN : EPOLLOUT);
	return 0;
}

static int handshake(struct request *q, const struct asking *a, struct error *err)
{
	char why[512] = "";
	int r;

	while ((r = stream_handshake(&q->stream, why, sizeof(why))) == -EAGAIN)
		if (wait_for(q, POLLIN)) {
			r = -ETIMEDOUT;
			break;
		}
	if (r)
		error_set(err, a->server->url, NULL, "no TLS connection: %s",
			  why[0] ? why : strerror(-r));
	return r;
}

static int send_all(struct request *q, const struct buf *text)
{
	size_t at = 0;

	while (at < text->len) {
		ssize_t n = stream_write(&q->stream, text->data + at, text->len - at);
		int r = n == -EAGAIN ? wait_for(q, POLLOUT) : n < 0 ? (int)n : 0;

		if (r)
			return r;
		at += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* Return: 1 with more; 0 at the end; -errno */
static int read_more(struct request *q)
{
	for (;;) {
		void *room = buf_reserve(&q->in, 16384);
		ssize_t n = room ? stream_read(&q->stream, room, 16384) : -ENOMEM;
		int r;

		if (n > 0) {
			buf_commit(&q->in, (size_t)n);
			return 1;
		}
		if (n != -EAGAIN)
			return (int)n;
		r = wait_for(q, POLLIN);
		if (r)
			return r;
	}
}

static int read_head(struct request *q, struct http1_refusal *refusal)
{
	for (;;) {
		ssize_t n = http1_read_response(&q->head, &q->in, HTTP1_POST, refusal);
		int r;

		if (n == PARSE_BAD)
			return -EPROTO;
		if (n != PARSE_MORE && q->head.status >= 200)
			return 0;
		r = n == PARSE_MORE ? read_more(q) : 1;
		if (r <= 0)
			return r ? r : -EPIPE;
	}
}

/* A message that may be the answer. */
static int take_message(struct request *q, struct span text)
{
	autojson json_t *message = NULL;
	int r = mcp_json_parse(text, &mcp_response_limits, &message, NULL);

	if (!r && json_is_integer(json_object_get(message, "id")) &&
	    json_integer_value(json_object_get(message, "id")) == q->id)
		q->answer = ptr_take(&message);
	return r;
}

static int take_bytes(struct request *q, struct span bytes, bool is_stream)
{
	struct sse_event event;
	enum sse_step step;

	if (!is_stream)
		return buf_append(&q->bytes, bytes.p, bytes.n);
	while (!q->answer && (step = sse_decode(&q->sse, &bytes, &event)) != SSE_MORE) {
		if (step == SSE_BAD)
			return -EPROTO;
		if (step == SSE_EVENT && event.has_data && take_message(q, event.data))
			return -EPROTO;
	}
	return 0;
}

static int read_body(struct request *q, struct http1_refusal *refusal)
{
	bool is_stream = http1_media_type_is(http1_head_known(&q->head, HTTP1_F_CONTENT_TYPE),
					     "text/event-stream");
	int r = http1_body_begin(&q->body, &q->head, MCP_RESPONSE_MAX, refusal);
	enum http1_body_step step = HTTP1_BODY_MORE;

	/* A stream may stay open behind the answer. */
	while (!r && !q->answer && step != HTTP1_BODY_END) {
		size_t n = 0;

		step = http1_body_next(&q->body, &q->in, &n, refusal);
		if (step == HTTP1_BODY_BAD)
			return -EPROTO;
		if (step == HTTP1_BODY_DATA) {
			r = take_bytes(q, span_bytes(q->in.data, n), is_stream);
			http1_body_take(&q->body, &q->in, n);
		} else if (step == HTTP1_BODY_MORE) {
			r = read_more(q);
			if (!r) {
				r = http1_body_close(&q->body);
				break;
			}
			r = r > 0 ? 0 : r;
		}
	}
	if (!r && !q->answer && q->id && q->head.status == 200 && q->bytes.len)
		r = take_message(q, span_bytes(q->bytes.data, q->bytes.len));
	return r;
}

static int write_request(const struct asking *a, const char *method, const struct buf *body,
			 struct buf *out)
{
	struct http1_authority to = {.port = a->server->port};
	struct http1_pair fields[8] = {{"Accept", span_of("application/json, text/event-stream")},
				       {"Accept-Encoding", span_of("identity")},
				       {"Content-Type", span_of("application/json")},
				       {"User-Agent", span_of("mcpjail/" MCPJAIL_VERSION)}};
	struct http1_out o = {.fields = fields,
			      .n_fields = 4,
			      .framing = HTTP1_FRAMING_LENGTH,
			      .content_length = body->len,
			      .close = true};
	char host[HTTP1_HOST_MAX + 16];
	int r;

	if (a->version)
		fields[o.n_fields++] =
			(struct http1_pair){"MCP-Protocol-Version", span_of(a->version)};
	if (a->is_modern)
		fields[o.n_fields++] = (struct http1_pair){"Mcp-Method", span_of(method)};
	if (a->session[0])
		fields[o.n_fields++] = (struct http1_pair){"Mcp-Session-Id", span_of(a->session)};
	span_copy(span_of(a->server->host), to.host, sizeof(to.host));
	to.kind = strchr(to.host, ':') ? HTTP1_HOST_IPV6 : HTTP1_HOST_NAME;
	r = http1_authority_format(&to, HTTPS_PORT, host, sizeof(host));
	if (!r)
		r = http1_write_request_head(out, "POST", a->server->path, host, &o);
	return r ? r : buf_append(out, body->data, body->len);
}

static int exchange(struct asking *a, struct request *q, const struct buf *text, struct error *err)
{
	struct http1_refusal refusal = {.text = ""};
	int fd = server_dial(&a->dialer, a->server, err), r;

	if (fd < 0)
		return fd;
	stream_init(&q->stream, fd);
	r = stream_connect(&q->stream, a->client, a->server->host, &a->tls);
	if (!r)
		r = handshake(q, a, err);
	if (err->what[0])
		return r;
	if (!r)
		r = send_all(q, text);
	if (!r)
		r = read_head(q, &refusal);
	if (!r)
		r = read_body(q, &refusal);
	if (r)
		error_set(err, a->server->url, NULL, "its answer cannot be read: %s",
			  refusal.text[0] ? refusal.text : strerror(-r));
	return r;
}

/* --- JSON-RPC ------------------------------------------------------------------------------ */

/* A session that the answer opens is kept. */
static void note_session(struct asking *a, const struct request *q)
{
	struct span id = http1_head_known(&q->head, HTTP1_F_MCP_SESSION_ID);

	if (id.n && id.n < sizeof(a->session))
		span_copy(id, a->session, sizeof(a->session));
}

static void fill_error(const struct asking *a, const struct request *q, const char *method,
		       struct error *err)
{
	const char *said =
		json_string_value(json_object_get(json_object_get(q->answer, "error"), "message"));

	if (q->head.status == 401 || q->head.status == 403)
		error_set(err, a->server->url,
			  "infer the policy from a run that has logged in: --from-run RUN",
			  "the server wants a log-in (HTTP %u)", q->head.status);
	else if (said)
		error_set(err, a->server->url, NULL, "%s: the server says: %.200s", method, said);
	else
		error_set(err, a->server->url, "is it the URL of an MCP server?",
			  "%s: HTTP %u, and no answer to it", method, q->head.status);
}

/*
 * @params: stolen. @ret_result: to be released; NULL: a notification is sent.
 * Return: 0; -EPROTO if the answer is none or an error; -errno; with @err filled
 */
static int ask(struct asking *a, const char *method, json_t *params, json_t **ret_result,
	       struct error *err)
{
	struct request q = {.stream = {.fd = -1},
			    .in = BUF_INIT(MCP_RESPONSE_MAX),
			    .bytes = BUF_INIT(MCP_RESPONSE_MAX),
			    .id = ret_result ? ++a->last_id : 0,
			    .until_ms = clock_mono_ms() + SERVER_ANSWER_MS};
	autobuf struct buf body = BUF_INIT(REQUEST_MAX), text = BUF_INIT(REQUEST_MAX);
	autojson json_t *message =
		json_pack("{s:s, s:s, s:o}", "jsonrpc", "2.0", "method", method, "params", params);
	int r = message && (!q.id || !json_object_set_new(message, "id", json_integer(q.id)))
			? mcp_json_append(&body, message, MCP_JSON_AS_READ)
			: -ENOMEM;

	sse_decoder_init(&q.sse, MCP_RESPONSE_MAX);
	if (!r)
		r = write_request(a, method, &body, &text);
	if (!r)
		r = exchange(a, &q, &text, err);
	if (!r && ret_result && !json_object_get(q.answer, "result")) {
		fill_error(a, &q, method, err);
		r = -EPROTO;
	}
	if (!r) {
		note_session(a, &q);
		if (ret_result)
			*ret_result = json_incref(json_object_get(q.answer, "result"));
	}
	request_end(&q);
	return r;
}

/* The legacy era opens a session; a server that has none is asked as the modern one is. */
static int open_session(struct asking *a, struct error *err)
{
	autojson json_t *result = NULL;
	int r = ask(a, "initialize",
		    json_pack("{s:s, s:{}, s:{s:s, s:s}}", "protocolVersion", LEGACY,
			      "capabilities", "clientInfo", "name", "mcpjail", "version",
			      MCPJAIL_VERSION),
		    &result, err);

	if (r == -EPROTO) {
		a->is_modern = true;
		a->version = MODERN;
		*err = (struct error){.what = ""};
		return 0;
	}
	if (r)
		return r;
	a->version = LEGACY;
	return ask(a, "notifications/initialized", json_object(), NULL, err);
}

static json_t *list_params(const struct asking *a, const json_t *cursor)
{
	json_t *params = json_object();

	if (cursor)
		json_object_set(params, "cursor", (json_t *)(uintptr_t)cursor);
	if (a->is_modern)
		json_object_set_new(params, "_meta",
				    json_pack("{s:s, s:{}}",
					      "io.modelcontextprotocol/protocolVersion", MODERN,
					      "io.modelcontextprotocol/clientCapabilities"));
	return params;
}

static int list_all(struct asking *a, json_t *tools, struct error *err)
{
	autojson json_t *cursor = NULL;

	for (int page = 0; page < SERVER_PAGES_MAX; page++) {
		autojson json_t *result = NULL;
		int r = ask(a, "tools/list", list_params(a, cursor), &result, err);

		if (r)
			return r;
		if (json_array_extend(tools, json_object_get(result, "tools")) ||
		    json_array_size(tools) > SERVER_TOOLS_MAX)
			break;
		json_decref(cursor);
		cursor = json_incref(json_object_get(result, "nextCursor"));
		if (!json_is_string(cursor))
			return 0;
	}
	error_set(err, a->server->url, NULL, "its tools/list is no list of at most %d tools",
		  SERVER_TOOLS_MAX);
	return -EPROTO;
}

/* --- the beginning and the end ----------------------------------------------------------- */

static void asking_end(struct asking *a)
{
	server_dialer_stop(&a->dialer);
	tls_session_forget(&a->tls);
	tls_client_free(a->client);
	trust_store_free(a->trust);
	policy_free(a->policy);
}

/* A policy that names the server: its URL is read as any policy's is. */
static int name_server(struct asking *a, const char *url, struct buf *text, struct error *err)
{
	autopolicyerrors struct policy_errors errors = {.n = 0};
	autojson json_t *root = json_pack("{s:{s:s}}", "server", "url", url);
	autofree char *written = root ? json_dumps(root, JSON_COMPACT) : NULL;
	int r = written ? buf_puts(text, written) : -ENOMEM;

	if (!r)
		r = policy_parse((const char *)text->data, text->len, "--from-server", &a->policy,
				 &errors);
	if (r == -EINVAL)
		*err = *policy_errors_at(&errors, 0);
	if (r)
		return r;
	snprintf(err->where, sizeof(err->where), "--from-server");
	a->server = policy_server_at(a->policy, 0);
	return 0;
}

static int prepare_tls(struct asking *a, const int roots[IPC_ROOTS_MAX], struct error *err)
{
	int r = tls_init();

	if (!r)
		r = trust_store_new(&a->trust);
	for (size_t i = 0; !r && i < IPC_ROOTS_MAX; i++)
		if (roots[i] >= 0)
			r = trust_store_add_roots(a->trust, roots[i], err);
	if (r)
		return r;
	/* Without a bundle nothing verifies but what --upstream-ca names, and each failure says so.
	 */
	(void)trust_store_load_system(a->trust, err);
	*err = (struct error){.what = ""};
	return tls_client_new(a->trust, &a->client);
}

static int begin(struct asking *a, const char *url, const struct run_options *options,
		 struct error *err)
{
	struct preparation p = {.root_fds = {-1, -1}};
	autobuf struct buf text = BUF_INIT(POLICY_MAX);
	int r = name_server(a, url, &text, err);

	if (!r)
		r = prepare_network(options, &p, err);
	/* The dialer first: it is made of this process, which is still small then. */
	if (!r)
		r = server_dialer_start(&text, &p.dialer, &a->dialer, err);
	if (!r)
		r = prepare_tls(a, p.root_fds, err);
	for (size_t i = 0; i < IPC_ROOTS_MAX; i++)
		fd_close(&p.root_fds[i]);
	return r;
}

int server_list_tools(const char *url, const struct run_options *options, struct server_tools *ret,
		      struct error *err)
{
	struct asking a = {.dialer = SERVER_DIALER_NONE};
	autojson json_t *tools = json_array();
	int r = tools ? begin(&a, url, options, err) : -ENOMEM;

	if (!r)
		r = open_session(&a, err);
	if (!r)
		r = list_all(&a, tools, err);
	if (!r) {
		snprintf(ret->url, sizeof(ret->url), "%s", a.server->url);
		ret->list = ptr_take(&tools);
	}
	asking_end(&a);
	if (r && !err->what[0])
		error_set(err, url, NULL, "%s", strerror(-r));
	return r;
}
