// SPDX-License-Identifier: Apache-2.0
#include "roles/terminal.h"

#include <unistd.h>

struct winsize terminal_size(void)
{
	struct winsize size = {.ws_row = 24, .ws_col = 80};

	for (int fd = 0; fd < 3; fd++)
		if (!ioctl(fd, TIOCGWINSZ, &size) && size.ws_col)
			return size;
	return (struct winsize){.ws_row = 24, .ws_col = 80};
}

bool terminal_take(struct terminal *t)
{
	struct termios raw;

	if (t->fd < 0 || tcgetpgrp(t->fd) != getpgrp())
		return false;
	if (t->is_raw)
		return true;
	if (tcgetattr(t->fd, &t->saved))
		return false;
	raw = t->saved;
	cfmakeraw(&raw);
	t->is_raw = !tcsetattr(t->fd, TCSADRAIN, &raw);
	return t->is_raw;
}

void terminal_give_back(struct terminal *t)
{
	if (t->is_raw)
		tcsetattr(t->fd, TCSADRAIN, &t->saved);
	t->is_raw = false;
}

void terminal_resize(const struct terminal *t)
{
	struct winsize size = terminal_size();

	if (t->master >= 0)
		ioctl(t->master, TIOCSWINSZ, &size);
}

unsigned char terminal_suspend_key(const struct terminal *t)
{
	struct termios now;

	if (t->is_raw)
		return t->saved.c_cc[VSUSP];
	return t->fd >= 0 && !tcgetattr(t->fd, &now) ? now.c_cc[VSUSP] : 0;
}

void terminal_reset(int fd)
{
	/* Leave the alternate screen, soft reset (DECSTR), plain text, visible cursor. */
	static const char reset[] = "\033[?1049l\033[!p\033[0m\033[?25h";

	if (isatty(fd) && write(fd, reset, sizeof(reset) - 1) < 0)
		return;
}
