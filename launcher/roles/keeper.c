// SPDX-License-Identifier: Apache-2.0
/*
 * The keeper holds what must not leak and must not be forgotten: the run's CA key, the
 * ledger and the key that signs it, the limits. It listens to the supervisor, whom it
 * trusts, and to the proxy and the broker, whom it does not.
 *
 * Stages:
 * 1. configuration: descriptors of the run and state directories, the policy, the proxy
 *    channel. The state is opened, keys are made, while the jail is.
 * 2. the beginning, on MSG_KEEPER_BEGIN: the run's files are made, run.start and policy.loaded
 *    written. What cannot be opened is remembered: such a keeper serves, and denies every call
 *    with the reason.
 * 3. confinement: the directories are closed before; no path can be opened any more.
 * 4. serving: MSG_CALL is judged by limits, recorded, answered, in that order.
 * 5. the end, on MSG_RUN_ENDED: what the proxy still said is taken in, open calls become
 *    call.outcome_unknown, run.end is the last record, signed; the key is wiped.
 * When the supervisor vanishes or the proxy breaks the protocol, the ledger is signed as it
 * is, without run.end: whoever reads it sees that the run was cut short.
 */
#include "roles/roles.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/io.h"
#include "base/log.h"
#include "policy/policy.h"
#include "roles/keeper.h"
#include "sandbox/confine.h"
#include "state/secret.h"

#define SECURE_HEAP_BYTES 32768 /* locked memory, for private keys */
#define SECURE_HEAP_UNIT  16
#define CONFIG_RUN_DIR    0
#define CONFIG_STATE_DIR  1
#define CONFIG_POLICY     2
#define CONFIG_PROXY      3
#define CONFIG_BROKER     4

/* --- start ------------------------------------------------------------------- */

static int init_crypto(void)
{
	int r = crypto_init(false);

	/* Where memory cannot be locked keys stay in ordinary memory, which cannot be dumped. */
	(void)CRYPTO_secure_malloc_init(SECURE_HEAP_BYTES, SECURE_HEAP_UNIT);
	return r;
}

/* The hasher's key makes hashes of arguments comparable between runs of one user, and no one else.
 */
static int init_hasher(struct keeper *k, int state_fd)
{
	uint8_t key[SECRET_BYTES];
	int r;

	k->hasher = hasher_new();
	if (!k->hasher)
		return -ENOMEM;
	r = secret_load(state_fd, "hmac.key", key);
	if (r)
		log_error("cannot use hmac.key in the state directory, so arguments are not "
			  "hashed: %s",
			  strerror(-r));
	else
		hasher_set_key(k->hasher, key);
	explicit_bzero(key, sizeof(key));
	return 0;
}

static void init_limits(struct keeper *k, int state_fd)
{
	struct error err = {0};

	if (!limits_open(state_fd, NULL, &k->limits, &err))
		return;
	snprintf(k->limits_failure, sizeof(k->limits_failure), "%.80s: %.400s", err.where,
		 err.what);
	log_error("calls that have limits are denied: %s", k->limits_failure);
}

static char *copy_span(struct span text)
{
	char *copy = malloc(text.n + 1);

	if (copy)
		span_copy(text, copy, text.n + 1);
	return copy;
}

static int init_run(struct keeper *k, const struct msg_keeper_config *config, const int *fds)
{
	struct span policy;
	bool is_copied;
	int r = io_map(fds[CONFIG_POLICY], POLICY_BYTES_MAX, &policy);

	if (!r)
		r = hasher_sha256(k->hasher, &policy, 1, &k->policies[k->n_policies++]);
	if (!r)
		r = ledger_new(fds[CONFIG_RUN_DIR], k->run_id, &k->ledger);
	if (r)
		return r;
	if (*ledger_failure(k->ledger)) {
		k->has_complained = true;
		log_error("calls are denied: %s", ledger_failure(k->ledger));
	}
	(void)run_files_open(fds[CONFIG_RUN_DIR], k->hasher, &k->files);
	is_copied = !run_policy_copy(fds[CONFIG_RUN_DIR], policy);
	keeper_record_start(k, config, policy, is_copied);
	io_unmap(policy);
	(void)ledger_checkpoint(k->ledger);
	(void)run_status_write(&k->files, &k->status);
	return 0;
}

static int prepare(struct keeper *k, struct message *m, struct msg_keeper_config *config)
{
	const struct timeval send_timeout = {KEEPER_SEND_MS / 1000, 0};
	int r = message_decode(m, config);

	if (r)
		return r;
	if (config->log_level <= LOG_PROTOCOL)
		log_set_level((enum log_level)config->log_level);
	k->run_id = copy_span(config->run_id);
	k->grant = copy_span(config->grant);
	k->command = copy_span(config->command);
	if (!k->run_id || !k->grant || !k->command)
		return -ENOMEM;
	k->status = (struct run_status){.run_id = k->run_id, .child_exit = -1};
	r = channel_open(&k->proxy, message_take_fd(m, CONFIG_PROXY), ROLE_KEEPER, ROLE_PROXY);
	if (!r)
		r = channel_open(&k->broker, message_take_fd(m, CONFIG_BROKER), ROLE_KEEPER,
				 ROLE_BROKER);
	if (!r && (setsockopt(k->proxy.fd, SOL_SOCKET, SO_SNDTIMEO, &send_timeout,
			      sizeof(send_timeout)) ||
		   setsockopt(k->supervisor.fd, SOL_SOCKET, SO_SNDTIMEO, &send_timeout,
			      sizeof(send_timeout))))
		r = -errno;
	if (!r)
		r = init_hasher(k, m->fds[CONFIG_STATE_DIR]);
	if (r)
		return r;
	init_limits(k, m->fds[CONFIG_STATE_DIR]);
	return ca_new(k->run_id, &k->ca);
}

/* Nothing of the run is kept if it is never begun. */
static int await_begin(struct keeper *k)
{
	struct message m;
	struct msg_keeper_begin begin;
	int r = channel_receive(&k->supervisor, &m);

	if (r <= 0)
		return r ? r : -EPIPE;
	r = m.type == MSG_KEEPER_BEGIN ? message_decode(&m, &begin) : -EPROTO;
	message_free(&m);
	k->is_bare = !r && begin.tier;
	return r;
}

static int init_from_config(struct keeper *k, struct message *m)
{
	struct msg_keeper_config config;
	int r = prepare(k, m, &config);

	if (!r)
		r = await_begin(k);
	return r ? r : init_run(k, &config, m->fds);
}

static int send_ready(struct keeper *k)
{
	autobuf struct buf pem = BUF_INIT(CA_PEM_MAX);
	struct msg_keeper_ready ready = {.ca_subject_hash = ca_subject_hash(k->ca)};
	int r = ca_pem(k->ca, &pem);

	ready.ca_pem = span_bytes(pem.data, pem.len);
	return r ? r : channel_send(&k->supervisor, MSG_KEEPER_READY, &ready);
}

static int start(struct keeper *k)
{
	struct message m;
	struct error err = {0};
	int r = channel_receive(&k->supervisor, &m);

	if (r <= 0)
		return r ? r : -EPIPE;
	if (m.type != MSG_KEEPER_CONFIG)
		r = -EPROTO;
	else
		r = init_from_config(k, &m);
	message_free(&m);
	if (r)
		return r;
	r = k->is_bare ? confine_role_bare(CONFINE_KEEPER, &ROLE_ROOM, &err)
		       : confine_role(CONFINE_KEEPER, &ROLE_ROOM, &err);
	if (r) {
		log_error("%s: %s", err.where, err.what);
		return r;
	}
	return send_ready(k);
}

/* --- the end ----------------------------------------------------------------- */

/* Sign and store what there is. @why: of calls that have no outcome. Return: whether all is signed
 */
static bool seal(struct keeper *k, const char *why)
{
	bool is_signed;

	keeper_abandon_calls(k, why);
	is_signed = !ledger_checkpoint(k->ledger);
	(void)ledger_flush(k->ledger);
	if (k->limits)
		(void)limits_flush(k->limits);
	return is_signed;
}

static int say_farewell(struct keeper *k)
{
	const struct run_counts *counts = &k->status.counts;
	char fingerprint[NOTE_FINGERPRINT_HEX] = "", head[DIGEST_HEX];
	struct msg_ledger_closed closed = {
		.allowed = counts->allowed,
		.denied = counts->denied,
		.unknown = counts->unknown,
		.lost = ledger_lost(k->ledger),
		.egress_allowed = counts->egress_allowed,
		.egress_refused = counts->egress_refused,
		.refused_requests = k->refused_requests,
		.refused_elsewhere = k->refused_elsewhere,
		.n_refused = k->n_refused,
		.failure = span_of(ledger_failure(k->ledger)),
	};

	ledger_head(k->ledger, head);
	(void)note_key_fingerprint(ledger_key(k->ledger), k->hasher, fingerprint);
	closed.head = span_of(head);
	closed.key_fingerprint = span_of(fingerprint);
	memcpy(closed.refused, k->refused, sizeof(closed.refused));
	k->is_closed = true;
	return channel_send(&k->supervisor, MSG_LEDGER_CLOSED, &closed);
}

static int receive_from_role(struct keeper *k, struct channel *ch);

/* What a role sent before the agent's end still counts. Return: 0; -errno of its breach */
static int drain(struct keeper *k, struct channel *ch)
{
	int r = 0;

	for (int i = 0; !r && i < KEEPER_DRAIN_MAX && ch->fd >= 0; i++) {
		struct pollfd pending = {.fd = ch->fd, .events = POLLIN};

		if (poll(&pending, 1, 0) <= 0)
			return 0;
		r = receive_from_role(k, ch);
	}
	return r;
}

static int on_run_ended(struct keeper *k, const struct message *m)
{
	struct msg_run_ended ended;
	bool has_end;
	int r = message_decode(m, &ended);

	if (!r)
		r = keeper_note_end(k, &ended);
	if (!r)
		r = drain(k, &k->proxy);
	if (!r)
		r = drain(k, &k->broker);
	if (r)
		return r;
	keeper_abandon_calls(k, "the run ended before an answer came");
	keeper_record_suppressed(k);
	k->status.counts.lost = ledger_lost(k->ledger);
	has_end = !keeper_record_end(k, ended.failure);
	has_end &= seal(k, "");
	ledger_wipe_key(k->ledger);
	k->status.counts.lost = ledger_lost(k->ledger);
	/* A head in status.json says that the ledger has its end, and that it is signed. */
	if (has_end)
		ledger_head(k->ledger, k->status.log_head);
	(void)run_status_write(&k->files, &k->status);
	return say_farewell(k);
}

/* --- serving ----------------------------------------------------------------- */

static int on_run_execed(struct keeper *k, const struct message *m)
{
	struct msg_run_execed execed;
	int r = message_decode(m, &execed);

	if (r)
		return r;
	(void)span_copy(execed.tier, k->status.tier, sizeof(k->status.tier));
	(void)span_copy(execed.layers, k->status.layers, sizeof(k->status.layers));
	keeper_record_exec(k, &execed);
	(void)run_status_write(&k->files, &k->status);
	/* While the agent starts there is time to read what other runs have charged. */
	if (k->limits)
		limits_warm(k->limits);
	return 0;
}

static int on_leaf_request(struct keeper *k, const struct message *m)
{
	autobuf struct buf der = BUF_INIT(CA_LEAF_MAX);
	struct msg_leaf_request request;
	struct msg_leaf leaf;
	int r = message_decode(m, &request);

	if (r)
		return r;
	leaf.host = request.host;
	r = ca_sign_leaf(k->ca, request.host, request.spki, &der);
	if (r)
		log_decision("no certificate for %.*s: %s", (int)request.host.n, request.host.p,
			     strerror(-r));
	leaf.certificate = span_bytes(der.data, r ? 0 : der.len);
	return channel_send(&k->proxy, MSG_LEAF, &leaf);
}

static const struct {
	enum message_type type;
	int (*on_message)(struct keeper *k, const struct message *m);
} handlers[] = {
	{MSG_TOOLS_SERVED, keeper_on_tools_served}, {MSG_CALL, keeper_on_call},
	{MSG_POLICY_IN_FORCE, keeper_on_reload},    {MSG_OUTCOME, keeper_on_outcome},
	{MSG_KEEPER_POLICY, keeper_on_reload},      {MSG_EVENT, keeper_on_event},
	{MSG_RELOAD_FAILED, keeper_on_reload},      {MSG_RUN_ENDED, on_run_ended},
	{MSG_BROKER_EVENT, keeper_on_event},        {MSG_RUN_EXECED, on_run_execed},
	{MSG_LEAF_REQUEST, on_leaf_request},
};

/* Return: 1 if a message was taken in; 0 when the peer is gone; -errno */
static int receive(struct keeper *k, struct channel *ch)
{
	struct message m;
	int r = channel_receive(ch, &m);

	if (r <= 0)
		return r;
	r = -EPROTO;
	for (size_t i = 0; i < ARRAY_SIZE(handlers); i++)
		if (handlers[i].type == m.type)
			r = handlers[i].on_message(k, &m);
	message_free(&m);
	/* The time-out of an answer, not the lack of a message. */
	if (r == -EAGAIN)
		r = -ETIMEDOUT;
	return r ? r : 1;
}

/*
 * A role's death ends the run, but that is the supervisor's to say: the ledger still gets its
 * end. Its breach of the protocol is the keeper's.
 */
static int receive_from_role(struct keeper *k, struct channel *ch)
{
	int r = receive(k, ch);

	if (r > 0 || r == -EAGAIN)
		return 0;
	if (!r || r == -EPIPE) {
		channel_close(ch);
		return 0;
	}
	log_error("the %s broke the protocol towards the keeper: %s", role_name(ch->peer),
		  strerror(-r));
	return r;
}

static int receive_from_supervisor(struct keeper *k)
{
	int r = receive(k, &k->supervisor);

	if (r > 0 || r == -EAGAIN)
		return 0;
	return r ? r : -EPIPE;
}

/* Failures are kept by the ledger. */
static void flush(struct keeper *k)
{
	keeper_record_suppressed(k);
	(void)ledger_checkpoint(k->ledger);
	(void)ledger_flush(k->ledger);
	if (k->limits)
		(void)limits_flush(k->limits);
}

/* Flushes once a second while there is something to record or sign. */
static int serve(struct keeper *k)
{
	uint64_t flush_at_ms = 0;
	int r = 0;

	while (!r && !k->is_closed) {
		struct pollfd fds[] = {{.fd = k->supervisor.fd, .events = POLLIN},
				       {.fd = k->proxy.fd, .events = POLLIN},
				       {.fd = k->broker.fd, .events = POLLIN}};
		uint64_t now_ms = 0;
		int wait_ms = -1;

		if (ledger_is_dirty(k->ledger) || k->denials.suppressed) {
			now_ms = clock_mono_ms();
			if (!flush_at_ms)
				flush_at_ms = now_ms + KEEPER_FLUSH_MS;
			wait_ms = now_ms < flush_at_ms ? (int)(flush_at_ms - now_ms) : 0;
		}
		if (flush_at_ms && !wait_ms) {
			flush(k);
			flush_at_ms = 0;
			continue;
		}
		if (poll(fds, ARRAY_SIZE(fds), wait_ms) < 0 && errno != EINTR)
			return -errno;
		/* The roles first: what they said before the end of the run belongs into the run.
		 */
		if (fds[1].revents)
			r = receive_from_role(k, &k->proxy);
		if (!r && fds[2].revents)
			r = receive_from_role(k, &k->broker);
		if (!r && fds[0].revents)
			r = receive_from_supervisor(k);
	}
	return r;
}

static void free_keeper(struct keeper *k)
{
	keeper_forget_calls(k);
	for (size_t i = 0; i < k->n_refused; i++)
		free((void *)(uintptr_t)k->refused[i].host.p);
	channel_close(&k->proxy);
	channel_close(&k->broker);
	channel_close(&k->supervisor);
	run_files_close(&k->files);
	ledger_free(k->ledger);
	limits_free(k->limits);
	hasher_free(k->hasher);
	ca_free(k->ca);
	free(k->run_id);
	free(k->grant);
	free(k->command);
}

int keeper_main(int supervisor_fd)
{
	struct keeper k = {.proxy = {.fd = -1},
			   .broker = {.fd = -1},
			   .files = {.status_fd = -1, .tools_fd = -1}};
	int r;

	/* A terminal that went away and a file-size limit are errors to be told, not to die of. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	r = init_crypto();
	if (!r)
		r = channel_open(&k.supervisor, supervisor_fd, ROLE_KEEPER, ROLE_SUPERVISOR);
	if (!r)
		r = start(&k);
	/* A supervisor that has gone has said why. */
	if (r && r != -EPIPE)
		log_error("the keeper cannot start: %s", strerror(-r));
	if (!r)
		r = serve(&k);
	if (r && k.ledger && !k.is_closed) {
		keeper_record_suppressed(&k);
		seal(&k, "the run was cut short");
	}
	free_keeper(&k);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}
