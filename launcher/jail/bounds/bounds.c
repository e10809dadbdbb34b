// SPDX-License-Identifier: Apache-2.0
#include "jail/bounds.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/io.h"

#define PID_MAX         "/proc/sys/kernel/pid_max"
#define PID_MAX_LEAST   301 /* the kernel takes no less */
#define PID_MAX_MAJOR   6   /* Linux 6.14: each pid namespace has its own */
#define PID_MAX_MINOR   14
#define OOM_AGENT       "1000" /* first to be ended */
#define OOM_ROLE        "-800" /* not -1000: a role that grows without bound may be ended */
#define NOT_ROOTS_COUNT UINT32_MAX
#define FILES_KEPT      1024 /* open files that the agent may have less than we */

/* --- what binds here -------------------------------------------------------------------- */

static bool pid_max_is_per_namespace(void)
{
	struct utsname name;
	unsigned major = 0, minor = 0;

	if (uname(&name) < 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		return false;
	return major > PID_MAX_MAJOR || (major == PID_MAX_MAJOR && minor >= PID_MAX_MINOR);
}

/* The kernel counts root's processes but bounds them never; root of a container is bounded. */
static bool is_root_of_machine(void)
{
	FILE *map = geteuid() ? NULL : fopen("/proc/self/uid_map", "re");
	unsigned inside = 1, outside = 1, count = 0;
	bool is = map && fscanf(map, "%u %u %u", &inside, &outside, &count) == 3 && !inside &&
		  !outside && count == NOT_ROOTS_COUNT;

	if (map)
		fclose(map);
	return is;
}

/* Processes and threads that the caller's user has already: a directory per thread. */
static uint64_t tasks_of_user(void)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	uint64_t n = 0;

	while (dir && (entry = readdir(dir))) {
		char path[sizeof(entry->d_name) + sizeof("/task")];
		struct stat st;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "%s/task", entry->d_name);
		if (!fstatat(dirfd(dir), path, &st, 0) && st.st_uid == getuid() && st.st_nlink > 2)
			n += st.st_nlink - 2;
	}
	if (dir)
		closedir(dir);
	return n;
}

/* init is one of those that are counted in the jail. Without a jail's own count, all are. */
static uint64_t nproc_for(const struct bounds *bounds)
{
	if (is_root_of_machine())
		return 0;
	return bounds->kept.processes + (bounds->tier == JAIL_TIER_A ? 1 : tasks_of_user());
}

/* Seven eighths: what the machine needs beside the agent stays in memory. */
static uint64_t default_memory(void)
{
	struct sysinfo info;

	return sysinfo(&info) < 0 ? 0 : (uint64_t)info.totalram * info.mem_unit / 8 * 7;
}

void bounds_raise_files(struct rlimit *ret_before)
{
	struct rlimit all;

	if (getrlimit(RLIMIT_NOFILE, ret_before) < 0) {
		*ret_before = (struct rlimit){0, 0};
		return;
	}
	all = (struct rlimit){ret_before->rlim_max, ret_before->rlim_max};
	(void)setrlimit(RLIMIT_NOFILE, &all);
}

void bounds_prepare(const struct jail_spec *spec, struct bounds *ret)
{
	const struct jail_limits *asked = &spec->limits;
	struct cgroup_wish wish = {.bounds_swap = asked->memory != 0};
	bool has_pid_max = spec->tier == JAIL_TIER_A && pid_max_is_per_namespace();

	*ret = (struct bounds){.asked = *asked,
			       .kept = *asked,
			       .tier = spec->tier,
			       .pid_max_fd = -1,
			       .files = spec->files};
	if (!ret->kept.processes)
		ret->kept.processes = BOUNDS_PROCESSES;
	if (!ret->kept.memory)
		ret->kept.memory = default_memory();
	if (has_pid_max)
		ret->pid_max_fd = open(PID_MAX, O_RDONLY | O_CLOEXEC);
	ret->nproc = nproc_for(ret);
	wish.values[CGROUP_PROCESSES] = ret->kept.processes;
	wish.values[CGROUP_MEMORY] = ret->kept.memory;
	wish.values[CGROUP_CPU] = ret->kept.cpu_milli;
	/* What nobody asked for is not worth the time, unless there is no other way. */
	wish.in_v1[CGROUP_PROCESSES] = !ret->nproc && (asked->processes || !has_pid_max);
	wish.in_v1[CGROUP_MEMORY] = asked->memory != 0;
	wish.in_v1[CGROUP_CPU] = asked->cpu_milli != 0;
	cgroup_make(spec->run_id, &wish, &ret->cgroup);
}

int bounds_end(struct bounds *bounds, unsigned wait_ms)
{
	fd_close(&bounds->pid_max_fd);
	return cgroup_end(&bounds->cgroup, wait_ms);
}

int bounds_place(const struct bounds *bounds, pid_t pid, struct error *err)
{
	int r = cgroup_place(&bounds->cgroup, pid);

	if (r)
		error_set(err, "control groups of the jail", NULL, "cannot be entered: %s",
			  strerror(-r));
	return r;
}

/* --- binding -----------------------------------------------------------------------------------
 */

/*
 * Before Linux 6.14, and wherever it was not carried back to, the same file is the machine's,
 * and root may write it from every namespace. Inside a namespace of its own it is another
 * inode; that of the machine's is held open, so that its number cannot be given anew.
 */
static bool bound_pids(const struct bounds *bounds)
{
	struct stat machine, here;
	char text[32];
	autoclose int fd = bounds->pid_max_fd < 0 ? -1 : open(PID_MAX, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || fstat(bounds->pid_max_fd, &machine) < 0 || fstat(fd, &here) < 0 ||
	    machine.st_dev != here.st_dev || machine.st_ino == here.st_ino)
		return false;
	/* Once all numbers have been used, the kernel keeps the lowest for itself. */
	snprintf(text, sizeof(text), "%" PRIu64, bounds->kept.processes + 1 + PID_MAX_LEAST);
	return io_write_all(fd, text, strlen(text)) == 0;
}

static void set_oom(const char *process, const char *score)
{
	char path[64];
	autoclose int fd = -1;

	snprintf(path, sizeof(path), "/proc/%s/oom_score_adj", process);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)io_write_all(fd, score, strlen(score));
}

void bounds_offer(void)
{
	set_oom("self", OOM_AGENT);
}

/*
 * The agent inherits the score, which root's cannot change, since its /proc is read-only; another
 * may put it back to what the caller has. init has it too: where many small processes use up
 * the memory, its end is the one that gives it back.
 */
bool bounds_bind_jail(const struct bounds *bounds)
{
	bool is_bounded = bound_pids(bounds);

	bounds_offer();
	return is_bounded || bounds->nproc;
}

/* Never above what the caller itself is bound to. */
static int lower(int resource, uint64_t value)
{
	struct rlimit now;
	rlim_t wanted = (rlim_t)value;

	if (!value)
		return 0;
	if (getrlimit((__rlimit_resource_t)resource, &now) < 0)
		return -errno;
	if (now.rlim_max > wanted)
		now.rlim_max = wanted;
	if (now.rlim_cur > now.rlim_max)
		now.rlim_cur = now.rlim_max;
	return setrlimit((__rlimit_resource_t)resource, &now) < 0 ? -errno : 0;
}

/* What the caller had, less what is kept for ourselves. */
static int bind_files(const struct bounds *bounds)
{
	struct rlimit files = bounds->files;

	if (!files.rlim_max)
		return 0;
	if (files.rlim_max > 2 * FILES_KEPT)
		files.rlim_max -= FILES_KEPT;
	if (files.rlim_cur > files.rlim_max)
		files.rlim_cur = files.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &files) < 0 ? -errno : 0;
}

int bounds_bind_agent(const struct bounds *bounds, struct error *err)
{
	bool memory_is_kept = bounds->cgroup.has[CGROUP_MEMORY] || !bounds->asked.memory;
	int r = bind_files(bounds);

	if (!r)
		r = lower(RLIMIT_NOFILE, bounds->asked.open_files);
	if (!r)
		r = lower(RLIMIT_NPROC, bounds->nproc);
	/* Not RLIMIT_AS: V8, Go and Java reserve far more than they use. */
	if (!r && !memory_is_kept)
		r = lower(RLIMIT_DATA, bounds->asked.memory);
	if (r)
		error_set(err, "limits of the agent", NULL, "%s", strerror(-r));
	return r;
}

void bounds_protect(pid_t pid)
{
	char who[16];

	snprintf(who, sizeof(who), "%d", (int)pid);
	set_oom(who, OOM_ROLE);
}

/* --- telling -------------------------------------------------------------------------------------
 */

static void add(char *layers, size_t size, const char *name)
{
	size_t used = strlen(layers);

	if (!text_list_has(layers, span_of(name)) && used < size)
		snprintf(layers + used, size - used, "%s%s", used ? "," : "", name);
}

void bounds_layers(const struct bounds *bounds, char *layers, size_t size)
{
	static const char *const names[CGROUP_LIMITS] = {
		[CGROUP_PROCESSES] = "processes",
		[CGROUP_MEMORY] = "memory",
		[CGROUP_CPU] = "cpu",
	};

	if (bounds->cgroup.fd >= 0)
		add(layers, size, "cgroup");
	for (int i = 0; i < CGROUP_LIMITS; i++)
		if (bounds->cgroup.has[i])
			add(layers, size, names[i]);
}

bool bounds_unkept(const struct bounds *bounds, const char *layers, char ret[BOUNDS_TEXT_MAX])
{
	const struct {
		bool is_unkept;
		const char *says;
	} all[] = {
		{!text_list_has(layers, span_of("processes")),
		 bounds->asked.processes ? "jail.processes is not in force"
					 : "nothing bounds the number of processes"},
		{bounds->asked.memory && !text_list_has(layers, span_of("memory")),
		 "jail.memory bounds each process, not all of them together"},
		{bounds->asked.cpu_milli && !text_list_has(layers, span_of("cpu")),
		 "jail.cpu is not in force"},
	};
	size_t used = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i].is_unkept)
			used += (size_t)snprintf(ret + used, BOUNDS_TEXT_MAX - used, "%s%s",
						 used ? "; " : "", all[i].says);
	if (used)
		snprintf(ret + used, BOUNDS_TEXT_MAX - used,
			 ", because no control group can be made here for it: %s",
			 geteuid() ? "use systemd-run --user --scope mcpjail …, or root"
				   : "the caller's own gives none");
	return used;
}
