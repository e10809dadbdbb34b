// SPDX-License-Identifier: Apache-2.0
/*
 * Each runtime fetches a path of its own from the doctor's server, inside a jail. What counts
 * is that the request arrived: a runtime that does not trust the run's CA gives up before.
 * Nothing is compiled for it: Go and Rust are shown by their own tools, which are programs
 * of that language's and its libraries' making; Java by a tool that every runtime has.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/span.h"
#include "base/text.h"
#include "commands/doctor_parts.h"

#define RUNTIME_ARGS_MAX 10
#define ATTEMPT_S        15
#define VERSION_S        10
#define URL              "https://" DOCTOR_HOST

/* clang-format off: a table, one runtime a paragraph */
static const struct runtime {
	const char *name, *shows;
	const char *version[RUNTIME_ARGS_MAX]; /* a command; its program has to be found, … */
	const char *path;                      /* that the attempt asks for */
	const char *attempt[RUNTIME_ARGS_MAX]; /* … and this one's */
	const char *environment[RUNTIME_ARGS_MAX];
	const char *mend;
} runtimes[] = {
	{"curl",
	 "curl and libcurl",
	 {"curl", "--version"},
	 "/curl",
	 {"curl", "-s", "-w", "%{errormsg}", "--max-time", "10", "-o", "/dev/null", URL "/curl"},
	 {NULL},
	 "take `cacert` and `capath` out of ~/.curlrc"},
	{"git",
	 "git over https",
	 {"git", "--version"},
	 "/git",
	 {"git", "ls-remote", URL "/git"},
	 {"GIT_TERMINAL_PROMPT=0", NULL},
	 "take http.sslCAInfo, http.sslCAPath and their http.URL. forms out of git's "
	 "configuration (git config --show-origin --get-regexp ssl)"},
	{"wget",
	 "wget",
	 {"wget", "--version"},
	 "/wget",
	 {"wget", "-nv", "-T", "10", "-t", "1", "-O", "/dev/null", URL "/wget"},
	 {NULL},
	 "take `ca_certificate` and `ca_directory` out of ~/.wgetrc"},
	{"node",
	 "Node.js: https, fetch",
	 {"node", "--version"},
	 "/node",
	 {"node", "-e",
	  "require('https').get(process.argv[1], r => r.resume())"
	  ".on('error', e => { console.error(e.message); process.exit(1) })",
	  URL "/node"},
	 {NULL},
	 "Node adds NODE_EXTRA_CA_CERTS to its own roots; take --use-openssl-ca out of "
	 "NODE_OPTIONS"},
	{"python3",
	 "Python's ssl: urllib, aiohttp",
	 {"python3", "--version"},
	 "/python",
	 {"python3", "-c", "import sys, urllib.request as u; u.urlopen(sys.argv[1], timeout=10)",
	  URL "/python"},
	 {NULL},
	 "Python reads SSL_CERT_FILE, requests and pip REQUESTS_CA_BUNDLE; a library with "
	 "roots of its own wants /run/mcpjail/ca-bundle.pem named"},
	{"java",
	 "Java's JSSE, by keytool",
	 {"java", "-version"},
	 "/java",
	 {"keytool", "-printcrl", "-file", URL "/java"},
	 {NULL},
	 "take -Djavax.net.ssl.trustStore out of JDK_JAVA_OPTIONS and the command line, or "
	 "import /run/mcpjail/ca.pem into the store that it names"},
	{"go",
	 "Go's crypto/x509, by the go command",
	 {"go", "version"},
	 "/go",
	 {"go", "list", "-m", "-versions", DOCTOR_HOST "/probe"},
	 {"GOPROXY=" URL "/go", "GOFLAGS=-mod=mod", "GONOSUMDB=*", "GOSUMDB=off", "GO111MODULE=on",
	  "GOTOOLCHAIN=local", "GOPATH=/tmp/go", "GOCACHE=/tmp/go-cache", NULL},
	 "Go reads SSL_CERT_FILE and the system's bundle; a program with roots of its own "
	 "wants /run/mcpjail/ca-bundle.pem named"},
	{"cargo",
	 "cargo's libcurl; Rust programs with roots built in (webpki-roots) are not shown",
	 {"cargo", "--version"},
	 "/cargo",
	 {"cargo", "search", "--index", "sparse+" URL "/cargo/", "--limit", "1", "probe"},
	 {"CARGO_HOME=/tmp/cargo", "CARGO_NET_RETRY=0", "CARGO_HTTP_TIMEOUT=10", NULL},
	 "take http.cainfo out of ~/.cargo/config.toml; Rust programs: build with "
	 "rustls-native-certs or native-tls"},
};
/* clang-format on */

static bool is_on_path(const char *program)
{
	const char *path = getenv("PATH");

	while (path && *path) {
		size_t n = strcspn(path, ":");
		char file[PATH_MAX];

		if (n < PATH_MAX &&
		    snprintf(file, sizeof(file), "%.*s/%s", (int)n, path, program) < PATH_MAX &&
		    access(file, X_OK) == 0)
			return true;
		path += n + (path[n] == ':');
	}
	return false;
}

/* Lines that tell nothing of the program's own. */
static bool is_chatter(struct span line)
{
	static const char java[] = "Picked up ";

	return !line.n || (line.n >= strlen(java) && !strncmp(line.p, java, strlen(java)));
}

/* The first line, or the last, that is the program's own; safe to print. */
static void take_line(const struct buf *output, bool wants_last, char *ret, size_t size)
{
	const char *at = (const char *)output->data, *end = at ? at + output->len : at;

	ret[0] = '\0';
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		struct span line = span_bytes(at, (size_t)((stop ? stop : end) - at));

		at = stop ? stop + 1 : end;
		if (is_chatter(line))
			continue;
		text_escape_terminal(line.p, line.n, ret, size);
		if (!wants_last)
			return;
	}
}

static void read_version(const struct doctor_place *place, const struct runtime *runtime,
			 struct runtime_verdict *v)
{
	autobuf struct buf output = BUF_INIT(DOCTOR_OUTPUT_MAX);
	const struct doctor_command command = {.argv = runtime->version, .timeout_s = VERSION_S};
	char *built_with;

	if (doctor_run(place, &command, &output) >= 0)
		take_line(&output, false, v->version, sizeof(v->version));
	/* What it was built with stands in parentheses. */
	built_with = strstr(v->version, " (");
	if (built_with)
		*built_with = '\0';
}

/* Where no file can be mounted, what looks at files alone has to be told. */
static const char *mend_for(const struct runtime *runtime, const char *tier)
{
	if (!strcmp(tier, "b") && !strcmp(runtime->name, "wget"))
		return "in tier b: wget --ca-certificate=\"$SSL_CERT_FILE\"";
	return runtime->mend;
}

static void attempt(const struct doctor_place *place, struct doctor_server *server,
		    const struct runtime *runtime, struct runtime_verdict *v)
{
	autobuf struct buf output = BUF_INIT(DOCTOR_OUTPUT_MAX);
	char connect_to[64];
	const char *const options[] = {"--connect-to", connect_to, "--upstream-ca", server->ca_path,
				       NULL};
	const struct doctor_command command = {.options = options,
					       .argv = runtime->attempt,
					       .environment = runtime->environment,
					       .timeout_s = ATTEMPT_S};
	uint64_t began = clock_mono_ms();
	int r;

	snprintf(connect_to, sizeof(connect_to), DOCTOR_HOST ":443:127.0.0.1:%u", server->port);
	r = doctor_run(place, &command, &output);
	v->took_ms = (unsigned)(clock_mono_ms() - began);
	v->is_trusting = doctor_server_saw(server, runtime->path);
	if (v->is_trusting)
		return;
	take_line(&output, true, v->detail, sizeof(v->detail));
	if (r == -ETIMEDOUT)
		snprintf(v->detail, sizeof(v->detail), "nothing arrived in %d s", ATTEMPT_S);
	else if (!v->detail[0])
		snprintf(v->detail, sizeof(v->detail), "it ended with status %d, silently", r);
}

int runtimes_try(const struct doctor_place *place, const char *tier,
		 void (*tell)(void *context, const struct runtime_verdict *verdict), void *context)
{
	struct doctor_server server;
	int r = doctor_server_start(place, &server);

	if (r)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(runtimes) && !doctor_is_ending(); i++) {
		struct runtime_verdict v = {.name = runtimes[i].name, .shows = runtimes[i].shows};

		if (!is_on_path(runtimes[i].version[0]) || !is_on_path(runtimes[i].attempt[0]))
			continue;
		read_version(place, &runtimes[i], &v);
		attempt(place, &server, &runtimes[i], &v);
		if (!v.is_trusting)
			v.mend = mend_for(&runtimes[i], tier);
		if (!doctor_is_ending())
			tell(context, &v);
	}
	doctor_server_stop(&server);
	return 0;
}
