/* SPDX-License-Identifier: Apache-2.0 */
/**
 * owner_internal.h - what the parts of broker/owner.h share
 *
 *	owner.c          a question from its beginning to its answer
 *	owner_socket.c   addresses → inode and cookie (sock_diag)
 *	owner_walk.c     the jail's processes, and their descriptors
 *	owner_process.c  what a process is, as JSON
 *	owner_known.c    the processes that were told last
 */
#ifndef MCPJAIL_LAUNCHER_BROKER_OWNER_INTERNAL_H
#define MCPJAIL_LAUNCHER_BROKER_OWNER_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/owner.h"

#define OWNER_NAME_MAX 64
#define OWNER_SEEN_MAX (2 * OWNER_PROCESSES_MAX) /* a power of two */

/* --- owner_socket.c --------------------------------------------------------------- */

struct owner_socket {
	uint32_t inode; /* 0: no process holds it any more */
	uint64_t cookie;
};

/** owner_socket_find() - Return: 0; -EINVAL for addresses that are none; -ENOENT; -errno */
int owner_socket_find(int diag_fd, const struct msg_who *who, struct owner_socket *ret);

/* --- owner_walk.c ------------------------------------------------------------------ */

/* The jail's processes, found one after the other. */
struct owner_walk {
	int proc_fd;
	uint64_t until_ns; /* CLOCK_MONOTONIC: look no further */
	pid_t pids[OWNER_PROCESSES_MAX];
	size_t n;
	struct {
		pid_t pid;
		uint32_t round; /* the walk that saw it */
	} seen[OWNER_SEEN_MAX];
	uint32_t round;
	bool is_cut; /* there were more, or time ran out */
};

/** owner_walk_begin() - Forget the processes of the walk before; begin with @init's children */
void owner_walk_begin(struct owner_walk *w, pid_t init);

/**
 * owner_walk_on() - Find the descendants of those found
 * @all_threads: Any thread may have forked; the main ones are soon asked, and mostly did
 */
void owner_walk_on(struct owner_walk *w, pid_t init, bool all_threads);
bool owner_walk_is_late(struct owner_walk *w);

/* A descriptor that is a socket. */
struct owner_held {
	uint32_t inode; /* 0: none */
	pid_t pid;
	int fd;
};

/** owner_open_process() - Its directory, which no other process can take over. Return: -errno */
int owner_open_process(int proc_fd, pid_t pid);

/** owner_holds() - Whether descriptor @fd of a process is the socket */
bool owner_holds(int process_fd, int fd, uint32_t inode);

/**
 * owner_scan_process() - Look for the socket among a process's descriptors
 * @held: OWNER_HELD_MAX places, by inode; gets what is seen on the way
 *
 * Return: the descriptor; -ENOENT; -ESRCH if it cannot be looked into; -EAGAIN if time ran out
 */
int owner_scan_process(struct owner_walk *w, pid_t pid, uint32_t inode, struct owner_held *held);

/* --- owner_process.c ---------------------------------------------------------------- */

struct owner_stat {
	pid_t parent;
	uint64_t start_ticks; /* since boot */
	uint64_t image;       /* differs when another program is executed */
	bool is_ended;        /* a zombie */
};

/** owner_stat_read() - Return: 0; -ESRCH; -errno */
int owner_stat_read(int process_fd, struct owner_stat *ret);

/** owner_stat_read_again() - From a descriptor of the file, which stays the process's */
int owner_stat_read_again(int stat_fd, struct owner_stat *ret);

/** owner_leader() - The process that a thread, or it itself, belongs to. Return: -errno */
pid_t owner_leader(int process_fd);

/** owner_name_read() - The name that it has given itself, or "?" */
void owner_name_read(int process_fd, char ret[OWNER_NAME_MAX]);

/** owner_start_ns() - When it started, since boot, not later than it did */
uint64_t owner_start_ns(const struct owner_stat *stat);

/**
 * owner_process_write() - Append the process as JSON
 *
 * Return: 0; -EAGAIN if it executed another program meanwhile, with nothing appended;
 * -ESRCH; -ENOMEM
 */
int owner_process_write(const struct owner_sources *sources, int process_fd, pid_t pid,
			struct buf *b);

/** owner_exe_read() - The path of its program. Return: bytes; 0 if it cannot be read; -ESRCH */
ssize_t owner_exe_read(int process_fd, char *ret, size_t size);

/** owner_write_unknown() - Append why there is no process. Return: 0; -ENOMEM */
int owner_write_unknown(struct buf *b, const char *why);

/* --- owner_known.c ------------------------------------------------------------------ */

#define OWNER_KNOWN_MS 1000 /* what was told is told again, unless it executed another */
#define OWNER_EXE_KEPT 256

struct owner_known {
	pid_t pid;      /* 0: none */
	int last_fd;    /* that was asked for last */
	int process_fd; /* owned, as is the next; the process may be gone */
	int stat_fd;
	uint64_t until_ns; /* CLOCK_MONOTONIC: .text is read anew then */
	struct owner_stat stat;
	char exe[OWNER_EXE_KEPT];
	size_t exe_n;
	struct buf text;
};

/** owner_known_open() - Begin with @pid, in a place that held none. Return: 0; -ESRCH */
int owner_known_open(struct owner_known *k, int proc_fd, pid_t pid);

/** owner_known_write() - Append what it is. Returns as owner_process_write() */
int owner_known_write(struct owner_known *k, const struct owner_sources *sources, struct buf *b);
void owner_known_close(struct owner_known *k);

/*
 * Those that were told last, the last one first; behind them are places that hold none.
 */
struct owner_known *owner_known_find(struct owner_known known[OWNER_RECENT_MAX], pid_t pid);
void owner_known_forget(struct owner_known known[OWNER_RECENT_MAX], size_t i);
void owner_known_close_all(struct owner_known known[OWNER_RECENT_MAX]);

/**
 * owner_known_tell() - Append what a process is, and let it be the first of those known
 * @ret_known: NULL if it is not there
 *
 * Return: as owner_process_write()
 */
int owner_known_tell(struct owner_known known[OWNER_RECENT_MAX],
		     const struct owner_sources *sources, pid_t pid, struct owner_known **ret_known,
		     struct buf *b);

#endif
