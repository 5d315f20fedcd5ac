/*
 * printk.h - output: kprintf for what a command shows, printk for the log.
 *
 * Neither allocates.  Both may be called anywhere, interrupt handlers included.
 * Formats: % [-0+ #] [width|*] [.precision|.*] [h hh l ll z t j] d i u x X o c s p
 * and %%.  64-bit values print with ll; %p prints 0x and eight digits.
 */
#ifndef KERNEL_PRINTK_H
#define KERNEL_PRINTK_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* To the console only.  Returns the number of characters. */
int kprintf(const char *fmt, ...) PRINTF_LIKE(1, 2);
int kvprintf(const char *fmt, va_list args) PRINTF_LIKE(1, 0);

/*
 * The same of one line, without its newline, in rows of at most 80 columns; those behind
 * the first begin in column `hang`, or if that is 0 a little deeper than the first.
 */
void kprint_wrapped(size_t hang, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Into buf, cut to size - 1 and always ended with 0 (size 0: nothing is written). */
int ksnprintf(char *buf, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);
int kvsnprintf(char *buf, size_t size, const char *fmt, va_list args)
    PRINTF_LIKE(3, 0);

/* Linux's levels: a line is shown on the console if its level is below loglevel. */
enum log_level { LOG_EMERG, LOG_ALERT, LOG_CRIT, LOG_ERR, LOG_WARNING, LOG_NOTICE,
                 LOG_INFO, LOG_DEBUG };

/*
 * One line (the newline is the caller's) into the log ring, which dmesg shows
 * with the time since boot, and on the console if its level says so, in rows of 80
 * columns.  When the ring is full the oldest lines go, and dmesg says how many.
 */
void printk(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
#define pr_emerg(...) printk(LOG_EMERG, __VA_ARGS__)
#define pr_err(...) printk(LOG_ERR, __VA_ARGS__)
#define pr_warn(...) printk(LOG_WARNING, __VA_ARGS__)
#define pr_info(...) printk(LOG_INFO, __VA_ARGS__)
#define pr_debug(...) printk(LOG_DEBUG, __VA_ARGS__)

/* 7 unless loglevel= or quiet (4: errors and worse) say otherwise. */
extern int console_loglevel;

/*
 * While a command runs (true): a line of log from an interrupt waits until the line that
 * the command has begun is whole, so that it never splits one.  False: what waits is
 * shown.
 */
void printk_hold(bool holds);

/* How often something was printed: by it one sees that the cursor has moved. */
uint32_t printk_shown(void);

/*
 * Where kprintf's text goes instead of the console; NULL: to the console.  What
 * interrupts print, and the log, never goes there.
 */
extern void (*kprintf_filter)(const char *text, size_t length);

/* Show the whole ring on the console. */
void printk_dump_log(void);

/* Say why, with registers and backtrace, and stop the machine for good. */
void panic(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));
#define KASSERT(truth)                                                        \
    ((truth) ? (void)0 : panic("%s:%d: assertion failed: %s", __FILE__,       \
                               __LINE__, #truth))

#endif
