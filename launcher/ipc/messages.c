// SPDX-License-Identifier: Apache-2.0
/*
 * The tables of the protocol between roles: for each struct its fields, for each
 * message who may send it to whom and when. The longest payload of each message
 * follows from its fields' maxima; CHANNEL_MESSAGE_MAX bounds them all.
 */
#include "ipc/messages.h"

#define CA_PEM_MAX      4096
#define CERTIFICATE_MAX 4096
#define COMMAND_MAX     32768
#define COUNTER_MAX     256
#define POINTER_MAX     1024
#define SERVER_MAX      2048
#define TOOL_MAX        256
#define ID_JSON_MAX     1024
#define SHORT_MAX       128
#define ADDRESS_MAX     64
#define SHA256_BYTES    32
#define USERINFO_MAX    512

#define FIELDS(name, ...)                                                                          \
	static const struct wire_field name##_fields[] = {__VA_ARGS__};                            \
	static const struct wire_type name##_type = WIRE_TYPE(struct name, name##_fields)

FIELDS(msg_keeper_config, WIRE_SPAN(struct msg_keeper_config, run_id, SHORT_MAX),
       WIRE_SPAN(struct msg_keeper_config, grant, SHORT_MAX),
       WIRE_SPAN(struct msg_keeper_config, command, COMMAND_MAX),
       WIRE_SPAN(struct msg_keeper_config, cwd, IPC_PATH_MAX),
       WIRE_SPAN(struct msg_keeper_config, policy_path, IPC_PATH_MAX),
       WIRE_SPAN(struct msg_keeper_config, version, SHORT_MAX),
       WIRE_U8(struct msg_keeper_config, log_level));
FIELDS(msg_keeper_begin, WIRE_U8(struct msg_keeper_begin, tier));

FIELDS(msg_keeper_ready, WIRE_SPAN(struct msg_keeper_ready, ca_pem, CA_PEM_MAX),
       WIRE_U32(struct msg_keeper_ready, ca_subject_hash));

FIELDS(msg_dial_to, WIRE_SPAN(struct msg_dial_to, host, IPC_HOST_MAX),
       WIRE_U32(struct msg_dial_to, port), WIRE_SPAN(struct msg_dial_to, address, IPC_HOST_MAX),
       WIRE_U32(struct msg_dial_to, address_port));

FIELDS(msg_dialer_config,
       WIRE_LIST(struct msg_dialer_config, dial_to, n_dial_to, &msg_dial_to_type),
       WIRE_SPAN(struct msg_dialer_config, proxy_host, IPC_HOST_MAX),
       WIRE_U32(struct msg_dialer_config, proxy_port),
       WIRE_SPAN(struct msg_dialer_config, proxy_userinfo, USERINFO_MAX),
       WIRE_SPAN(struct msg_dialer_config, no_proxy, IPC_NOPROXY_MAX),
       WIRE_U8(struct msg_dialer_config, tier), WIRE_U8(struct msg_dialer_config, log_level));

FIELDS(msg_proxy_config, WIRE_SPAN(struct msg_proxy_config, grant, SHORT_MAX),
       WIRE_U8(struct msg_proxy_config, tier), WIRE_U8(struct msg_proxy_config, log_level));

FIELDS(msg_broker_config, WIRE_U8(struct msg_broker_config, tier),
       WIRE_SPAN(struct msg_broker_config, home, IPC_PATH_MAX),
       WIRE_SPAN(struct msg_broker_config, cwd, IPC_PATH_MAX),
       WIRE_U8(struct msg_broker_config, log_level));

FIELDS(msg_broker_jail, WIRE_U32(struct msg_broker_jail, init),
       WIRE_U32(struct msg_broker_jail, proxy_port), WIRE_U32(struct msg_broker_jail, proxy_port6),
       WIRE_U8(struct msg_broker_jail, has_owners));

FIELDS(msg_run_execed, WIRE_SPAN(struct msg_run_execed, tier, SHORT_MAX),
       WIRE_SPAN(struct msg_run_execed, layers, SHORT_MAX), WIRE_U32(struct msg_run_execed, pid));

FIELDS(msg_run_ended, WIRE_U32(struct msg_run_ended, child_exit),
       WIRE_U32(struct msg_run_ended, signal),
       WIRE_SPAN(struct msg_run_ended, failure, IPC_TEXT_MAX),
       WIRE_SPAN(struct msg_run_ended, second_wall, SHORT_MAX),
       WIRE_SPAN(struct msg_run_ended, submodules, IPC_TEXT_MAX));

FIELDS(msg_keeper_policy, WIRE_SPAN(struct msg_keeper_policy, path, IPC_PATH_MAX),
       WIRE_SPAN(struct msg_keeper_policy, file, SHORT_MAX));

FIELDS(msg_policy_taken, WIRE_U8(struct msg_policy_taken, failed),
       WIRE_SPAN(struct msg_policy_taken, reason, IPC_TEXT_MAX));

FIELDS(msg_policy_in_force, WIRE_U32(struct msg_policy_in_force, number),
       WIRE_SPAN(struct msg_policy_in_force, sha256, SHA256_BYTES));

FIELDS(msg_reload_failed, WIRE_SPAN(struct msg_reload_failed, reason, IPC_TEXT_MAX));

FIELDS(msg_reloaded, WIRE_U8(struct msg_reloaded, failed),
       WIRE_SPAN(struct msg_reloaded, text, IPC_TEXT_MAX));

FIELDS(msg_refused_host, WIRE_SPAN(struct msg_refused_host, host, IPC_HOST_MAX),
       WIRE_U32(struct msg_refused_host, port),
       WIRE_SPAN(struct msg_refused_host, protocol, SHORT_MAX),
       WIRE_U64(struct msg_refused_host, count));

FIELDS(msg_ledger_closed, WIRE_SPAN(struct msg_ledger_closed, head, SHORT_MAX),
       WIRE_SPAN(struct msg_ledger_closed, key_fingerprint, SHORT_MAX),
       WIRE_U64(struct msg_ledger_closed, allowed), WIRE_U64(struct msg_ledger_closed, denied),
       WIRE_U64(struct msg_ledger_closed, unknown), WIRE_U64(struct msg_ledger_closed, lost),
       WIRE_U64(struct msg_ledger_closed, egress_allowed),
       WIRE_U64(struct msg_ledger_closed, egress_refused),
       WIRE_U64(struct msg_ledger_closed, refused_requests),
       WIRE_U64(struct msg_ledger_closed, refused_elsewhere),
       WIRE_LIST(struct msg_ledger_closed, refused, n_refused, &msg_refused_host_type),
       WIRE_SPAN(struct msg_ledger_closed, failure, IPC_TEXT_MAX));

FIELDS(msg_leaf_request, WIRE_SPAN(struct msg_leaf_request, host, IPC_HOST_MAX),
       WIRE_SPAN(struct msg_leaf_request, spki, 256));

FIELDS(msg_leaf, WIRE_SPAN(struct msg_leaf, host, IPC_HOST_MAX),
       WIRE_SPAN(struct msg_leaf, certificate, CERTIFICATE_MAX));

FIELDS(msg_charge, WIRE_SPAN(struct msg_charge, counter, COUNTER_MAX),
       WIRE_U8(struct msg_charge, kind), WIRE_U8(struct msg_charge, scope),
       WIRE_U8(struct msg_charge, algorithm), WIRE_U64(struct msg_charge, window_ms),
       WIRE_U64(struct msg_charge, max), WIRE_U64(struct msg_charge, amount),
       WIRE_U64(struct msg_charge, keep_ms), WIRE_U8(struct msg_charge, keep_for_ever),
       WIRE_SPAN(struct msg_charge, value_sha256, SHA256_BYTES),
       WIRE_SPAN(struct msg_charge, rule, POINTER_MAX));

FIELDS(msg_call, WIRE_U64(struct msg_call, call_id), WIRE_U64(struct msg_call, conn),
       WIRE_U32(struct msg_call, policy), WIRE_U8(struct msg_call, verdict),
       WIRE_U8(struct msg_call, durable), WIRE_U8(struct msg_call, observed),
       WIRE_SPAN(struct msg_call, method, TOOL_MAX), WIRE_SPAN(struct msg_call, server, SERVER_MAX),
       WIRE_SPAN(struct msg_call, tool, TOOL_MAX), WIRE_SPAN(struct msg_call, id_json, ID_JSON_MAX),
       WIRE_SPAN(struct msg_call, args, IPC_ARGS_MAX),
       WIRE_SPAN(struct msg_call, args_sha256, SHA256_BYTES),
       WIRE_SPAN(struct msg_call, rule, POINTER_MAX),
       WIRE_SPAN(struct msg_call, reason, IPC_TEXT_MAX),
       WIRE_SPAN(struct msg_call, exec, IPC_EXEC_MAX),
       WIRE_LIST(struct msg_call, charges, n_charges, &msg_charge_type));

FIELDS(msg_call_verdict, WIRE_U64(struct msg_call_verdict, call_id),
       WIRE_U8(struct msg_call_verdict, verdict), WIRE_U8(struct msg_call_verdict, failed),
       WIRE_U32(struct msg_call_verdict, limit), WIRE_U64(struct msg_call_verdict, retry_after_ms),
       WIRE_SPAN(struct msg_call_verdict, reason, IPC_TEXT_MAX));

FIELDS(msg_outcome, WIRE_U64(struct msg_outcome, call_id), WIRE_U8(struct msg_outcome, outcome),
       WIRE_U8(struct msg_outcome, is_error), WIRE_U32(struct msg_outcome, http_status),
       WIRE_U64(struct msg_outcome, upstream_us),
       WIRE_SPAN(struct msg_outcome, result_sha256, SHA256_BYTES),
       WIRE_SPAN(struct msg_outcome, detail, IPC_TEXT_MAX));

FIELDS(msg_event, WIRE_U8(struct msg_event, kind), WIRE_U64(struct msg_event, conn),
       WIRE_SPAN(struct msg_event, protocol, SHORT_MAX),
       WIRE_SPAN(struct msg_event, host, IPC_HOST_MAX),
       WIRE_SPAN(struct msg_event, address, ADDRESS_MAX), WIRE_U32(struct msg_event, port),
       WIRE_U32(struct msg_event, status), WIRE_SPAN(struct msg_event, rule, POINTER_MAX),
       WIRE_SPAN(struct msg_event, reason, IPC_TEXT_MAX),
       WIRE_SPAN(struct msg_event, detail, IPC_TEXT_MAX),
       WIRE_SPAN(struct msg_event, exec, IPC_EXEC_MAX));

FIELDS(msg_tools_served, WIRE_SPAN(struct msg_tools_served, server, SERVER_MAX),
       WIRE_SPAN(struct msg_tools_served, tools, IPC_TOOLS_MAX));

FIELDS(msg_dial, WIRE_U64(struct msg_dial, dial_id), WIRE_SPAN(struct msg_dial, host, IPC_HOST_MAX),
       WIRE_U32(struct msg_dial, port));

FIELDS(msg_dialed, WIRE_U64(struct msg_dialed, dial_id), WIRE_U8(struct msg_dialed, status),
       WIRE_SPAN(struct msg_dialed, address, ADDRESS_MAX),
       WIRE_SPAN(struct msg_dialed, reason, IPC_TEXT_MAX));

FIELDS(msg_who, WIRE_U64(struct msg_who, conn), WIRE_SPAN(struct msg_who, agent, ADDRESS_MAX),
       WIRE_U32(struct msg_who, agent_port), WIRE_SPAN(struct msg_who, destination, ADDRESS_MAX),
       WIRE_U32(struct msg_who, destination_port));

FIELDS(msg_process, WIRE_U64(struct msg_process, conn),
       WIRE_SPAN(struct msg_process, exec, IPC_EXEC_MAX));

FIELDS(msg_destination, WIRE_SPAN(struct msg_destination, agent, ADDRESS_MAX),
       WIRE_U32(struct msg_destination, agent_port),
       WIRE_SPAN(struct msg_destination, address, ADDRESS_MAX),
       WIRE_U32(struct msg_destination, port),
       WIRE_SPAN(struct msg_destination, exec, IPC_EXEC_MAX));

FIELDS(msg_resolver, WIRE_SPAN(struct msg_resolver, address, ADDRESS_MAX),
       WIRE_U8(struct msg_resolver, is_foreign));

FIELDS(msg_trust, WIRE_SPAN(struct msg_trust, ca_pem, CA_PEM_MAX),
       WIRE_U32(struct msg_trust, ca_subject_hash));

FIELDS(msg_jail_ready, WIRE_SPAN(struct msg_jail_ready, layers, SHORT_MAX));

FIELDS(msg_jail_failed, WIRE_SPAN(struct msg_jail_failed, where, IPC_TEXT_MAX),
       WIRE_SPAN(struct msg_jail_failed, what, IPC_TEXT_MAX),
       WIRE_SPAN(struct msg_jail_failed, mend, IPC_TEXT_MAX));

FIELDS(msg_execed, WIRE_U32(struct msg_execed, error));
FIELDS(msg_signal, WIRE_U32(struct msg_signal, signo));
FIELDS(msg_stopped, WIRE_U32(struct msg_stopped, signo));
FIELDS(msg_exited, WIRE_U8(struct msg_exited, is_alone), WIRE_U32(struct msg_exited, wait_status));

#define S ROLE_SUPERVISOR
#define K ROLE_KEEPER
#define D ROLE_DIALER
#define P ROLE_PROXY
#define B ROLE_BROKER
#define I ROLE_INIT
#define C ROLE_CONTROL

/* clang-format off: a table with columns, one message a line */
/* Channels between proxy, keeper and dialer have no configuration step: they run from the start. */
static const struct message_rule rules[MSG_TYPES] = {
	/* type                 name             from to  phases     opens      payload fds */
	[MSG_KEEPER_CONFIG] = {"keeper-config", S, K, IPC_START, IPC_SETUP, &msg_keeper_config_type,
			       5, 5},
	[MSG_KEEPER_BEGIN] = {"keeper-begin", S, K, IPC_SETUP, IPC_RUN, &msg_keeper_begin_type, 0,
			      0},
	[MSG_DIALER_CONFIG] = {"dialer-config", S, D, IPC_START, IPC_RUN, &msg_dialer_config_type,
			       2, 2},
	[MSG_PROXY_CONFIG] = {"proxy-config", S, P, IPC_START, IPC_SETUP, &msg_proxy_config_type, 4,
			      4 + IPC_ROOTS_MAX},
	[MSG_BROKER_CONFIG] = {"broker-config", S, B, IPC_START, IPC_SETUP, &msg_broker_config_type,
			       3, 3},
	[MSG_BROKER_JAIL] = {"broker-jail", S, B, IPC_SETUP, IPC_RUN, &msg_broker_jail_type, 1, 5},
	[MSG_LISTENERS] = {"listeners", S, P, IPC_SETUP, IPC_RUN, NULL, 1, 4},
	[MSG_KEEPER_READY] = {"keeper-ready", K, S, IPC_START, IPC_RUN, &msg_keeper_ready_type, 0,
			      0},
	[MSG_DIALER_READY] = {"dialer-ready", D, S, IPC_START, IPC_RUN, NULL, 0, 0},
	[MSG_BROKER_READY] = {"broker-ready", B, S, IPC_START, IPC_RUN, NULL, 0, 0},
	[MSG_PROXY_READY] = {"proxy-ready", P, S, IPC_START, IPC_RUN, NULL, 0, 0},
	[MSG_RUN_EXECED] = {"run-execed", S, K, IPC_RUN, 0, &msg_run_execed_type, 0, 0},
	[MSG_RUN_ENDED] = {"run-ended", S, K, IPC_RUN, IPC_END, &msg_run_ended_type, 0, 0},
	[MSG_LEDGER_CLOSED] = {"ledger-closed", K, S, IPC_RUN, IPC_END, &msg_ledger_closed_type, 0,
			       0},
	[MSG_KEEPER_POLICY] = {"keeper-policy", S, K, IPC_RUN, 0, &msg_keeper_policy_type, 1, 1},
	[MSG_KEEPER_POLICY_TAKEN] = {"keeper-policy-taken", K, S, IPC_RUN, 0,
				     &msg_policy_taken_type, 0, 0},
	[MSG_DIALER_POLICY] = {"dialer-policy", S, D, IPC_RUN, 0, NULL, 1, 1},
	[MSG_DIALER_POLICY_TAKEN] = {"dialer-policy-taken", D, S, IPC_RUN, 0,
				     &msg_policy_taken_type, 0, 0},
	[MSG_PROXY_POLICY] = {"proxy-policy", S, P, IPC_RUN, 0, NULL, 1, 1},
	[MSG_PROXY_POLICY_REFUSED] = {"proxy-policy-refused", P, S, IPC_RUN, 0,
				      &msg_policy_taken_type, 0, 0},
	[MSG_RELOAD_FAILED] = {"reload-failed", S, K, IPC_RUN, 0, &msg_reload_failed_type, 0, 0},
	[MSG_RELOAD] = {"reload", C, S, IPC_START, 0, NULL, 0, 0},
	[MSG_RELOADED] = {"reloaded", S, C, IPC_START, 0, &msg_reloaded_type, 0, 0},
	[MSG_POLICY_IN_FORCE] = {"policy-in-force", P, K, IPC_START, 0, &msg_policy_in_force_type,
				 0, 0},
	[MSG_LEAF_REQUEST] = {"leaf-request", P, K, IPC_START, 0, &msg_leaf_request_type, 0, 0},
	[MSG_LEAF] = {"leaf", K, P, IPC_START, 0, &msg_leaf_type, 0, 0},
	[MSG_CALL] = {"call", P, K, IPC_START, 0, &msg_call_type, 0, 0},
	[MSG_CALL_VERDICT] = {"call-verdict", K, P, IPC_START, 0, &msg_call_verdict_type, 0, 0},
	[MSG_OUTCOME] = {"outcome", P, K, IPC_START, 0, &msg_outcome_type, 0, 0},
	[MSG_EVENT] = {"event", P, K, IPC_START, 0, &msg_event_type, 0, 0},
	[MSG_TOOLS_SERVED] = {"tools-served", P, K, IPC_START, 0, &msg_tools_served_type, 0, 0},
	[MSG_DIAL] = {"dial", P, D, IPC_START, 0, &msg_dial_type, 0, 0},
	[MSG_DIALED] = {"dialed", D, P, IPC_START, 0, &msg_dialed_type, 0, 1},
	[MSG_WHO] = {"who", P, B, IPC_START, 0, &msg_who_type, 0, 0},
	[MSG_PROCESS] = {"process", B, P, IPC_START, 0, &msg_process_type, 0, 0},
	[MSG_DESTINATION] = {"destination", B, P, IPC_START, 0, &msg_destination_type, 0, 0},
	[MSG_RESOLVER] = {"resolver", B, P, IPC_START, 0, &msg_resolver_type, 1, 1},
	[MSG_BROKER_EVENT] = {"broker-event", B, K, IPC_START, 0, &msg_event_type, 0, 0},
	[MSG_JAIL_SOCKETS] = {"jail-sockets", I, S, IPC_START, IPC_SETUP, NULL, 2, 5},
	[MSG_TRUST] = {"trust", S, I, IPC_START, IPC_SETUP, &msg_trust_type, 0, 0},
	[MSG_JAIL_READY] = {"jail-ready", I, S, IPC_SETUP, 0, &msg_jail_ready_type, 0, 0},
	[MSG_JAIL_FAILED] = {"jail-failed", I, S, IPC_START | IPC_SETUP, 0, &msg_jail_failed_type,
			     0, 0},
	[MSG_EXEC] = {"exec", S, I, IPC_SETUP, IPC_RUN, NULL, 0, 0},
	[MSG_EXECED] = {"execed", I, S, IPC_SETUP, IPC_RUN, &msg_execed_type, 0, 0},
	[MSG_SIGNAL] = {"signal", S, I, IPC_RUN, 0, &msg_signal_type, 0, 0},
	[MSG_NOTIFIER] = {"notifier", I, S, IPC_SETUP, 0, NULL, 1, 4},
	[MSG_STOPPED] = {"stopped", I, S, IPC_RUN, 0, &msg_stopped_type, 0, 0},
	[MSG_EXITED] = {"exited", I, S, IPC_RUN, IPC_END, &msg_exited_type, 0, 0},
};
/* clang-format on */

const struct message_rule *message_rule(unsigned type)
{
	return type < MSG_TYPES && rules[type].name ? &rules[type] : NULL;
}

const char *role_name(enum role role)
{
	static const char *const names[] = {
		[ROLE_NONE] = "nobody",   [ROLE_SUPERVISOR] = "supervisor",
		[ROLE_KEEPER] = "keeper", [ROLE_DIALER] = "dialer",
		[ROLE_PROXY] = "proxy",   [ROLE_BROKER] = "broker",
		[ROLE_INIT] = "init",     [ROLE_CONTROL] = "control",
	};

	return names[role];
}
