// SPDX-License-Identifier: Apache-2.0
/*
 * What helps where a probe failed. Its error narrows that down; then the settings are looked
 * at, the one that refuses first, then what started us.
 */
#include "commands/doctor_mends.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

static bool setting_is(const char *path, char value)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[2] = "";

	return fd >= 0 && read(fd, text, 1) == 1 && text[0] == value;
}

/* Settings that forbid namespaces. A value that only counts for others than root says so. */
static const struct {
	const char *path;
	char value;
	bool spares_root;
	const char *mend;
} settings[] = {
	{"/proc/sys/user/max_user_namespaces", '0', false,
	 "sudo sysctl -w user.max_user_namespaces=15000"},
	{"/proc/sys/user/max_net_namespaces", '0', false,
	 "sudo sysctl -w user.max_net_namespaces=15000"},
	{"/proc/sys/user/max_mnt_namespaces", '0', false,
	 "sudo sysctl -w user.max_mnt_namespaces=15000"},
	{"/proc/sys/user/max_pid_namespaces", '0', false,
	 "sudo sysctl -w user.max_pid_namespaces=15000"},
	{"/proc/sys/user/max_ipc_namespaces", '0', false,
	 "sudo sysctl -w user.max_ipc_namespaces=15000"},
	{"/proc/sys/user/max_uts_namespaces", '0', false,
	 "sudo sysctl -w user.max_uts_namespaces=15000"},
	{"/proc/sys/kernel/unprivileged_userns_clone", '0', true,
	 "sudo sysctl -w kernel.unprivileged_userns_clone=1"},
	{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1', true,
	 "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or run mcpjail as root"},
};

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
	if (facts->is_in_a_jail)
		return "this is a jail of mcpjail already: start mcpjail outside of it";
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (setting_is(settings[i].path, settings[i].value) &&
		    !(settings[i].spares_root && facts->is_root))
			return settings[i].mend;
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

const char *mend_landlock(const struct host_facts *facts, int error)
{
	(void)facts;
	(void)error;
	return "a kernel from 6.12 on, booted with landlock in its lsm= list";
}

const char *mend_cgroup(const struct host_facts *facts, int error)
{
	(void)facts;
	(void)error;
	return "boot with systemd.unified_cgroup_hierarchy=1";
}

const char *mend_bpf(const struct host_facts *facts, int error)
{
	(void)error;
	if (!facts->is_root)
		return "sudo mcpjail …";
	if (facts->container)
		return "whatever gives the container CAP_BPF and CAP_NET_ADMIN: docker run "
		       "--cap-add BPF --cap-add NET_ADMIN …";
	return "a kernel with CONFIG_BPF_SYSCALL and CONFIG_CGROUP_BPF";
}
