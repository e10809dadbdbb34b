// SPDX-License-Identifier: Apache-2.0
/*
 * The one user of libbpf, of its functions around bpf(2). The object that the BPF compiler made
 * of wall.bpf.c is part of the program, and read here: libbpf's own loader asks the kernel a
 * dozen questions first, and translates types that nobody looks at, which was half of what a
 * second wall costs a launch. The object is of one form, ours: a section of code for each program,
 * with references to the maps.
 */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "bpf/wall.h"
#include "wall_maps.h"

/* Newer than the headers of Debian 12. Linux 6.7. */
#define ATTACH_UNIX_CONNECT ((enum bpf_attach_type)49)
#define ATTACH_UNIX_SENDMSG ((enum bpf_attach_type)50)

#define PROGRAM_INSNS_MAX 256

static const unsigned char object[] __attribute__((aligned(8))) = {
#include "wall_object.inc"
};

static const struct {
	const char *section;
	enum bpf_attach_type attach;
	bool is_unix;
} programs[] = {
	{"cgroup/sock_create", BPF_CGROUP_INET_SOCK_CREATE, false},
	{"cgroup/connect4", BPF_CGROUP_INET4_CONNECT, false},
	{"cgroup/connect6", BPF_CGROUP_INET6_CONNECT, false},
	{"cgroup/sendmsg4", BPF_CGROUP_UDP4_SENDMSG, false},
	{"cgroup/sendmsg6", BPF_CGROUP_UDP6_SENDMSG, false},
	{"cgroup/bind4", BPF_CGROUP_INET4_BIND, false},
	{"cgroup/bind6", BPF_CGROUP_INET6_BIND, false},
	{"?cgroup/connect4", ATTACH_UNIX_CONNECT, true},
	{"?cgroup/sendmsg4", ATTACH_UNIX_SENDMSG, true},
};

struct wall {
	int programs[ARRAY_SIZE(programs)];        /* -1: not known to this kernel */
	int state_fd, owners_fd, chooses_errno_fd; /* the maps */
	int links[ARRAY_SIZE(programs)];
};

/* --- the object ------------------------------------------------------------------------------ */

static const Elf64_Ehdr *head(void)
{
	return (const void *)object;
}

static const Elf64_Shdr *section_at(size_t i)
{
	return (const Elf64_Shdr *)(const void *)(object + head()->e_shoff) + i;
}

static const void *bytes_at(size_t section, size_t offset)
{
	return object + section_at(section)->sh_offset + offset;
}

/* Return: its index; 0 if there is none */
static size_t find_section(const char *name)
{
	for (size_t i = 1; i < head()->e_shnum; i++)
		if (!strcmp(bytes_at(head()->e_shstrndx, section_at(i)->sh_name), name))
			return i;
	return 0;
}

/* What an instruction loads the address of becomes a map, or the value in one. */
static int refer_to(const struct wall *wall, const char *name, struct bpf_insn *insn)
{
	const struct {
		const char *name;
		int fd;
		bool is_value;
	} known[] = {
		{"wall", wall->state_fd, false},
		{"owners", wall->owners_fd, false},
		{"chooses_errno", wall->chooses_errno_fd, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strcmp(known[i].name, name))
			continue;
		insn->src_reg = known[i].is_value ? BPF_PSEUDO_MAP_VALUE : BPF_PSEUDO_MAP_FD;
		insn->imm = known[i].fd;
		return 0;
	}
	return -ENOENT;
}

/* @relocations: A section of them, for @insns */
static int relocate(const struct wall *wall, size_t relocations, struct bpf_insn *insns)
{
	const Elf64_Shdr *s = section_at(relocations);
	const Elf64_Rel *rel = bytes_at(relocations, 0);
	const Elf64_Sym *symbols = bytes_at(s->sh_link, 0);
	int r = 0;

	for (size_t i = 0; !r && i < s->sh_size / sizeof(*rel); i++) {
		const Elf64_Sym *symbol = &symbols[ELF64_R_SYM(rel[i].r_info)];
		const char *name = bytes_at(section_at(s->sh_link)->sh_link, symbol->st_name);

		r = refer_to(wall, name, insns + rel[i].r_offset / sizeof(*insns));
	}
	return r;
}

/* Return: how many instructions @ret_insns holds now; -errno */
static int read_program(const struct wall *wall, const char *name,
			struct bpf_insn ret_insns[PROGRAM_INSNS_MAX])
{
	size_t section = find_section(name), n = section_at(section)->sh_size;
	int r = 0;

	if (!section || n > PROGRAM_INSNS_MAX * sizeof(ret_insns[0]))
		return -ENOEXEC;
	memcpy(ret_insns, bytes_at(section, 0), n);
	for (size_t i = 1; !r && i < head()->e_shnum; i++)
		if (section_at(i)->sh_type == SHT_REL && section_at(i)->sh_info == section)
			r = relocate(wall, i, ret_insns);
	return r ? r : (int)(n / sizeof(ret_insns[0]));
}

/* --- loading -------------------------------------------------------------------------------- */

static const char *mend_for(int error)
{
	return error == -EPERM || error == -EACCES
		       ? "run mcpjail as root, or with CAP_BPF and CAP_NET_ADMIN"
		       : NULL;
}

static int fail(struct error *err, const char *what, int error)
{
	error_set(err, "eBPF", mend_for(error), "%s: %s", what, strerror(-error));
	return error;
}

static int load_program(enum bpf_attach_type attach, const struct bpf_insn *insns, size_t n)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach);
	enum bpf_prog_type type = attach == BPF_CGROUP_INET_SOCK_CREATE
					  ? BPF_PROG_TYPE_CGROUP_SOCK
					  : BPF_PROG_TYPE_CGROUP_SOCK_ADDR;
	int fd = bpf_prog_load(type, NULL, "Apache-2.0", insns, n, &opts);

	return fd < 0 ? -errno : fd;
}

static bool can_choose_errno(void)
{
	static const struct bpf_insn program[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1, .imm = -EPERM},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_set_retval},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	autoclose int fd = load_program(BPF_CGROUP_INET4_CONNECT, program, ARRAY_SIZE(program));

	return fd >= 0;
}

static int make_map(size_t value_bytes, __u32 flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, sizeof(__u32), (__u32)value_bytes, 1,
				&opts);

	return fd < 0 ? -errno : fd;
}

/* The only constant of the programs: the kernel takes it for one once it is frozen. */
static int make_constant(struct wall *wall)
{
	const __u32 first = 0;
	__u32 chooses_errno;

	wall->chooses_errno_fd = make_map(sizeof(chooses_errno), BPF_F_RDONLY_PROG);
	if (wall->chooses_errno_fd < 0)
		return wall->chooses_errno_fd;
	chooses_errno = can_choose_errno();
	if (bpf_map_update_elem(wall->chooses_errno_fd, &first, &chooses_errno, BPF_ANY) ||
	    bpf_map_freeze(wall->chooses_errno_fd))
		return -errno;
	return 0;
}

static int make_maps(struct wall *wall)
{
	wall->state_fd = make_map(sizeof(struct wall_state), 0);
	if (wall->state_fd < 0)
		return wall->state_fd;
	wall->owners_fd = make_map(sizeof(struct wall_owners_map), BPF_F_MMAPABLE);
	return wall->owners_fd < 0 ? wall->owners_fd : make_constant(wall);
}

static int load_programs(struct wall *wall)
{
	struct bpf_insn insns[PROGRAM_INSNS_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		int n = read_program(wall, programs[i].section, insns);
		int fd = n < 0 ? n : load_program(programs[i].attach, insns, (size_t)n);

		/* What a kernel says of a hook that it does not know. */
		if (fd == -EINVAL && programs[i].is_unix)
			continue;
		if (fd < 0)
			return fd;
		wall->programs[i] = fd;
	}
	return 0;
}

int wall_load(struct wall **ret, struct error *err)
{
	struct wall *wall = malloc(sizeof(*wall));
	const char *what = "programs cannot be loaded";
	int r;

	if (!wall)
		return fail(err, what, -ENOMEM);
	wall->state_fd = wall->owners_fd = wall->chooses_errno_fd = -1;
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		wall->programs[i] = wall->links[i] = -1;
	r = make_maps(wall);
	if (!r) {
		r = load_programs(wall);
		what = "the programs are refused";
	}
	if (r) {
		wall_free(wall);
		return fail(err, what, r);
	}
	*ret = wall;
	return 0;
}

void wall_free(struct wall *wall)
{
	if (!wall)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		fd_close(&wall->links[i]);
		fd_close(&wall->programs[i]);
	}
	fd_close(&wall->state_fd);
	fd_close(&wall->owners_fd);
	fd_close(&wall->chooses_errno_fd);
	free(wall);
}

/* --- in force --------------------------------------------------------------------------------- */

/* By bpf(2)'s own numbers: libbpf's attach functions know fewer of them than the kernel. */
static int attach_all(struct wall *wall, int cgroup_fd, bool with_unix)
{
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		if (programs[i].is_unix && (!with_unix || wall->programs[i] < 0))
			continue;
		wall->links[i] =
			bpf_link_create(wall->programs[i], cgroup_fd, programs[i].attach, NULL);
		if (wall->links[i] < 0)
			return wall->links[i];
	}
	return 0;
}

int wall_attach(struct wall *wall, int cgroup_fd, const struct wall_rules *rules, struct error *err)
{
	const struct wall_state state = {.jail_netns = rules->jail_netns,
					 .host_netns = rules->host_netns,
					 .allows_own_networks = rules->allows_own_networks};
	const __u32 first = 0;
	int r = bpf_map_update_elem(wall->state_fd, &first, &state, BPF_ANY);

	if (!r)
		r = attach_all(wall, cgroup_fd, rules->refuses_unix);
	if (!r)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		fd_close(&wall->links[i]);
	return fail(err, "the programs cannot be attached to the run's cgroup", r);
}

int wall_count(const struct wall *wall, uint64_t ret[WALL_COUNTS])
{
	struct wall_state state;
	const __u32 first = 0;
	int r = bpf_map_lookup_elem(wall->state_fd, &first, &state);

	for (size_t i = 0; !r && i < WALL_COUNTS; i++)
		ret[i] = state.stopped[i];
	return r;
}

int wall_owners_fd(const struct wall *wall)
{
	return wall->owners_fd;
}
