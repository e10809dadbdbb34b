// SPDX-License-Identifier: Apache-2.0
/*
 * promptfax - a stand-in for the PromptFax MCP server, on loopback
 *
 * Prints "port N" when it serves. Ends on SIGTERM or SIGINT, and with --with-parent
 * when whoever started it ends.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/certs.h"
#include "lib/mcp.h"
#include "lib/server.h"

#define NAMES_MAX 16

struct settings {
	const char *address;
	uint16_t port;
	const char *names[NAMES_MAX];
	size_t n_names;
	const char *ca_out, *cert, *key, *log;
	bool plain;
	struct mcp_knobs knobs;
};

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
	(void)signal;
	stop = 1;
}

static const char usage[] =
	"usage: promptfax [OPTIONS]\n"
	"  --port N           port on 127.0.0.1 (default: any, printed as \"port N\")\n"
	"  --address A        listen on this address instead\n"
	"  --name HOST        a further name or address in the certificate, repeatable\n"
	"  --ca-out FILE      write the CA that signed the certificate\n"
	"  --cert FILE --key FILE   use this certificate\n"
	"  --plain            HTTP without TLS\n"
	"  --log FILE         append a JSON line for each message that arrives\n"
	"  --log-headers      with all HTTP fields in it\n"
	"  --delay-ms N       answer each tools/call after that time\n"
	"  --sse              answer tools/call as an event stream, progress first\n"
	"  --ask METHOD       send a request of that method to the client before each result\n"
	"  --page N           N tools on a page of tools/list\n"
	"  --fault KIND       tools/call fails: an HTTP status, reset, truncate or "
	"close-after-read\n"
	"  --fault-every N    only each N-th\n"
	"  --with-parent      end when the parent process ends\n";

enum option_id {
	OPT_PORT = 1,
	OPT_ADDRESS,
	OPT_NAME,
	OPT_CA_OUT,
	OPT_CERT,
	OPT_KEY,
	OPT_PLAIN,
	OPT_LOG,
	OPT_LOG_HEADERS,
	OPT_DELAY,
	OPT_SSE,
	OPT_ASK,
	OPT_PAGE,
	OPT_FAULT,
	OPT_FAULT_EVERY,
	OPT_WITH_PARENT,
	OPT_HELP,
};

static const struct option options[] = {
	{"port", required_argument, NULL, OPT_PORT},
	{"address", required_argument, NULL, OPT_ADDRESS},
	{"name", required_argument, NULL, OPT_NAME},
	{"ca-out", required_argument, NULL, OPT_CA_OUT},
	{"cert", required_argument, NULL, OPT_CERT},
	{"key", required_argument, NULL, OPT_KEY},
	{"plain", no_argument, NULL, OPT_PLAIN},
	{"log", required_argument, NULL, OPT_LOG},
	{"log-headers", no_argument, NULL, OPT_LOG_HEADERS},
	{"delay-ms", required_argument, NULL, OPT_DELAY},
	{"sse", no_argument, NULL, OPT_SSE},
	{"ask", required_argument, NULL, OPT_ASK},
	{"page", required_argument, NULL, OPT_PAGE},
	{"fault", required_argument, NULL, OPT_FAULT},
	{"fault-every", required_argument, NULL, OPT_FAULT_EVERY},
	{"with-parent", no_argument, NULL, OPT_WITH_PARENT},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "promptfax: %s: %s\n", what, why);
	exit(2);
}

static unsigned number_parse(const char *text, unsigned most)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || *end || n > most)
		die(text, "not a number in range");
	return (unsigned)n;
}

static void fault_parse(const char *text, struct mcp_knobs *knobs)
{
	if (!knobs->fault_every)
		knobs->fault_every = 1;
	if (!strcmp(text, "reset"))
		knobs->fault = HTTP_RESET;
	else if (!strcmp(text, "truncate"))
		knobs->fault = HTTP_TRUNCATE;
	else if (!strcmp(text, "close-after-read"))
		knobs->fault = HTTP_CLOSE_UNANSWERED;
	else
		knobs->fault_status = number_parse(text, 599);
}

/* The knobs of what is served; false: not one of them. */
static bool knob_set(enum option_id id, const char *value, struct mcp_knobs *knobs)
{
	switch (id) {
	case OPT_LOG_HEADERS:
		knobs->log_headers = true;
		return true;
	case OPT_DELAY:
		knobs->delay_ms = number_parse(value, 3600000);
		return true;
	case OPT_SSE:
		knobs->sse = true;
		return true;
	case OPT_ASK:
		knobs->ask = value;
		return true;
	case OPT_PAGE:
		knobs->page_tools = number_parse(value, 1000);
		return true;
	case OPT_FAULT:
		fault_parse(value, knobs);
		return true;
	case OPT_FAULT_EVERY:
		knobs->fault_every = number_parse(value, 1000000);
		return true;
	default:
		return false;
	}
}

static void setting_set(int id, const char *value, struct settings *settings)
{
	switch (id) {
	case OPT_PORT:
		settings->port = (uint16_t)number_parse(value, 65535);
		break;
	case OPT_ADDRESS:
		settings->address = value;
		break;
	case OPT_NAME:
		if (settings->n_names == NAMES_MAX)
			die(value, "too many names");
		settings->names[settings->n_names++] = value;
		break;
	case OPT_CA_OUT:
		settings->ca_out = value;
		break;
	case OPT_CERT:
		settings->cert = value;
		break;
	case OPT_KEY:
		settings->key = value;
		break;
	case OPT_PLAIN:
		settings->plain = true;
		break;
	case OPT_LOG:
		settings->log = value;
		break;
	case OPT_WITH_PARENT:
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		break;
	default:
		fputs(usage, id == OPT_HELP ? stdout : stderr);
		exit(id == OPT_HELP ? 0 : 2);
	}
}

static void options_parse(int argc, char **argv, struct settings *settings)
{
	int id;

	while ((id = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!knob_set((enum option_id)id, optarg, &settings->knobs))
			setting_set(id, optarg, settings);
	if (optind < argc)
		die(argv[optind], "unexpected argument");
}

static SSL_CTX *tls_make(const struct settings *settings)
{
	SSL_CTX *tls = NULL;
	int r;

	if (settings->plain)
		return NULL;
	if (settings->cert)
		r = certs_load_server(settings->cert,
				      settings->key ? settings->key : settings->cert, &tls);
	else
		r = certs_make_server(settings->names, settings->n_names, settings->ca_out, &tls);
	if (r < 0)
		die("certificate", strerror(-r));
	return tls;
}

int main(int argc, char **argv)
{
	struct settings settings = {.address = "127.0.0.1",
				    .names = {"promptfax.app", "localhost", "127.0.0.1"},
				    .n_names = 3};
	struct sigaction end = {.sa_handler = on_signal};
	struct mcp mcp = {.sessions = json_object()};
	struct server_config config = {.answer = mcp_answer, .service = &mcp};
	uint16_t port;
	int listener, r;

	options_parse(argc, argv, &settings);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	signal(SIGPIPE, SIG_IGN);
	mcp.knobs = settings.knobs;
	mcp.fax = fax_new();
	mcp.knobs.log = settings.log ? fopen(settings.log, "ae") : NULL;
	if (!mcp.fax || (settings.log && !mcp.knobs.log))
		die(settings.log ? settings.log : "start", strerror(errno));
	config.tls = tls_make(&settings);
	listener = server_listen(settings.address, settings.port, &port);
	if (listener < 0)
		die("listen", strerror(-listener));
	printf("port %u\n", port);
	fflush(stdout);

	r = server_run(listener, &config, &stop);
	close(listener);
	SSL_CTX_free(config.tls);
	fax_free(mcp.fax);
	json_decref(mcp.sessions);
	if (mcp.knobs.log)
		fclose(mcp.knobs.log);
	return r < 0;
}
