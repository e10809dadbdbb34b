// SPDX-License-Identifier: Apache-2.0
/*
 * What helps where a probe failed. Its error narrows that down; then the settings are looked
 * at, the one that refuses first, then what started us.
 */
#include "commands/doctor_mends.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "sandbox/settings.h"

/* What starts a container that leaves namespaces and mounts to those inside. */
static const struct {
	const char *container, *mend;
} containers[] = {
	{"docker", "docker run --security-opt seccomp=unconfined --security-opt "
		   "apparmor=unconfined --security-opt systempaths=unconfined …"},
	{"podman", "podman run --security-opt seccomp=unconfined --security-opt unmask=ALL …"},
	{"kubernetes", "securityContext: {seccompProfile: {type: Unconfined}, "
		       "appArmorProfile: {type: Unconfined}, procMount: Unmasked}"},
	{"lxc", "in the container's configuration: lxc.include = "
		"/usr/share/lxc/config/nesting.conf"},
};

const char *mend_namespaces(const struct host_facts *facts, int error)
{
	const char *setting = settings_mend_namespaces(facts->is_root);

	if (facts->is_in_a_jail)
		return "this is a jail of mcpjail already: start mcpjail outside of it";
	if (setting)
		return setting;
	if (error == -ENOSPC)
		return "a limit on namespaces is reached: sudo sysctl -w "
		       "user.max_{user,net,mnt,pid,ipc,uts}_namespaces=15000";
	for (size_t i = 0; facts->container && i < ARRAY_SIZE(containers); i++)
		if (!strcmp(containers[i].container, facts->container))
			return containers[i].mend;
	if (facts->has_filter)
		return "a seccomp filter, which whoever started this put on it, refuses: start "
		       "mcpjail outside of that sandbox, or let it pass clone, unshare, setns, "
		       "mount, fsopen, open_tree, move_mount and mount_setattr";
	return "the kernel lacks it, or a security module (AppArmor, SELinux) refuses: see "
	       "dmesg, or run mcpjail as root";
}

const char *mend_network(const struct host_facts *facts, int error)
{
	if (error == -EPERM || error == -EACCES)
		return mend_namespaces(facts, error);
	return "sudo modprobe -a nf_tables nft_tproxy";
}

const char *mend_packet_log(const struct host_facts *facts, int error)
{
	return error == -EPERM ? mend_namespaces(facts, error) : "sudo modprobe nfnetlink_log";
}

const char *mend_mounts(const struct host_facts *facts, int error)
{
	return error == -ENOSYS ? "a kernel from 5.12 on" : mend_namespaces(facts, error);
}

const char *mend_overlay(const struct host_facts *facts, int error)
{
	return error == -ENODEV ? "sudo modprobe overlay" : mend_namespaces(facts, error);
}

const char *mend_seccomp(const struct host_facts *facts, int error)
{
	return error == -EINVAL ? "a kernel with CONFIG_SECCOMP_FILTER"
				: mend_namespaces(facts, error);
}

const char *mend_notification(const struct host_facts *facts, int error)
{
	if (error == -EBUSY)
		return "whoever started this (another mcpjail, a container engine) receives the "
		       "notifications already, and there can be one such: start mcpjail outside "
		       "of it";
	if (error == -EINVAL)
		return "a kernel from 5.19 on";
	return mend_namespaces(facts, error);
}

const char *mend_memory(const struct host_facts *facts, int error)
{
	(void)facts;
	(void)error;
	return "sudo sysctl -w kernel.yama.ptrace_scope=1";
}

const char *mend_landlock(const struct host_facts *facts, int error)
{
	(void)facts;
	(void)error;
	return "a kernel from 6.2 on, booted with landlock in its lsm= list";
}

const char *mend_landlock_scopes(const struct host_facts *facts, int error)
{
	(void)facts;
	(void)error;
	return "a kernel from 6.12 on, booted with landlock in its lsm= list";
}

const char *mend_cgroup(const struct host_facts *facts, int error)
{
	if (error == -ENOENT)
		return "sudo mount -t cgroup2 none /sys/fs/cgroup, or boot with "
		       "systemd.unified_cgroup_hierarchy=1";
	return facts->is_root ? "whatever makes /sys/fs/cgroup writable here: docker run "
				"--cgroupns=private --privileged …"
			      : "systemd-run --user --scope mcpjail …, where a user session of "
				"systemd's runs";
}

/* Without its capabilities, root owns what is root's. */
#define OF_ROOT                                                                                    \
	"for root's own directories: its home and records are root's, others' files read-only"

const char *mend_bpf(const struct host_facts *facts, int error)
{
	(void)error;
	if (facts->is_in_userns)
		return "sudo mcpjail …, outside of this user namespace; " OF_ROOT;
	if (!facts->is_root)
		return "sudo mcpjail …; " OF_ROOT;
	if (facts->container)
		return "whatever gives the container CAP_BPF and CAP_NET_ADMIN: docker run "
		       "--cap-add BPF --cap-add NET_ADMIN …";
	return "a kernel with CONFIG_BPF_SYSCALL and CONFIG_CGROUP_BPF";
}
