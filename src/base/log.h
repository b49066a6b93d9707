/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's log: one JSON object a line on a file descriptor (stderr by default).
 * Not the audit trail. Secrets and object contents never go here. Thread-safe: a line is
 * one write(2).
 *
 *     log_info("listening", "url", S("https://127.0.0.1:4566"));
 *     log_error("page does not authenticate", "file", name);
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/base.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_setup(int fd, enum log_level least); /* call once, before threads start; default: 2, LOG_INFO */
/* Key/value pairs: const char *, struct str, ..., NULL. Prefer the macros. */
void log_line(enum log_level level, const char *file, int line, const char *what, ...);

#define log_debug(...) log_line(LOG_DEBUG, __FILE__, __LINE__, __VA_ARGS__, NULL)
#define log_info(...)  log_line(LOG_INFO, __FILE__, __LINE__, __VA_ARGS__, NULL)
#define log_warn(...)  log_line(LOG_WARN, __FILE__, __LINE__, __VA_ARGS__, NULL)
#define log_error(...) log_line(LOG_ERROR, __FILE__, __LINE__, __VA_ARGS__, NULL)

#endif
