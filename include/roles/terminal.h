/* SPDX-License-Identifier: Apache-2.0 */
/**
 * roles/terminal.h - the person's terminal while the agent has a pty of its own
 */
#ifndef MCPJAIL_ROLES_TERMINAL_H
#define MCPJAIL_ROLES_TERMINAL_H

#include <stdbool.h>
#include <sys/ioctl.h>
#include <termios.h>

struct terminal {
	int fd;     /* the person's; -1: none. Not owned */
	int master; /* of the jail's pty; -1: none. Not owned */
	bool is_raw;
	struct termios saved;
};

/** terminal_size() - Of the first of descriptors 0–2 that is a terminal; 24 × 80 otherwise */
struct winsize terminal_size(void);

/**
 * terminal_take() - Raw mode, so that every key reaches the jail's pty unread
 *
 * Does nothing where there is no terminal or its foreground is another process group's.
 *
 * Return: whether keys may be read now
 */
bool terminal_take(struct terminal *t);

/** terminal_give_back() - Restore what terminal_take() found. Harmless to repeat */
void terminal_give_back(struct terminal *t);

/** terminal_suspend_key() - The byte of Ctrl-Z on the person's terminal; 0: none */
unsigned char terminal_suspend_key(const struct terminal *t);

/**
 * terminal_reset() - Undo what the agent may have left on the screen
 *
 * Concealed or coloured text, the alternate screen, a hidden cursor: so that what mcpjail
 * says afterwards is seen as it is.
 */
void terminal_reset(int fd);

/** terminal_resize() - Tell the jail's pty the terminal's present size */
void terminal_resize(const struct terminal *t);

#endif
