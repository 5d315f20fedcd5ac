/*
 * printk.h - output: kprintf for what a command shows, printk for the log.
 *
 * Neither allocates.  Both may be called anywhere, interrupt handlers included.  What %s
 * and %c print is shown, not obeyed: an escape character in a name comes out as \x1b.  What
 * the format itself says goes out as it is, so write kprintf("\x1b[1m%s\x1b[m", name).
 * Formats: % [-0+ #] [width|*] [.precision|.*] [h hh l ll z t j] d i u x X o c s p
 * and %%.  64-bit values print with ll; %p prints 0x and eight digits; %px, %pS, %ps,
 * %*ph as in Linux: see format_pointer.c.
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

/* They stand before the format, and make part of it: printk(KERN_INFO "hello\n"). */
#define KERN_SOH "\001"
#define KERN_EMERG KERN_SOH "0"
#define KERN_ALERT KERN_SOH "1"
#define KERN_CRIT KERN_SOH "2"
#define KERN_ERR KERN_SOH "3"
#define KERN_WARNING KERN_SOH "4"
#define KERN_NOTICE KERN_SOH "5"
#define KERN_INFO KERN_SOH "6"
#define KERN_DEBUG KERN_SOH "7"
#define KERN_DEFAULT ""                 /* warning */
#define KERN_CONT KERN_SOH "c"          /* goes on with a line without a newline */

/*
 * Lines into the log ring, which dmesg shows with the time since boot, and on the
 * console if their level says so, in rows of 80 columns.  The last needs no newline:
 * it ends by itself unless KERN_CONT comes next.  When the ring is full the oldest
 * lines go, and dmesg says how many.  Returns the number of characters.
 */
int printk(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* A file may say before its includes what all of its lines begin with. */
#ifndef pr_fmt
#define pr_fmt(fmt) fmt
#endif
#define pr_emerg(fmt, ...) printk(KERN_EMERG pr_fmt(fmt), ##__VA_ARGS__)
#define pr_alert(fmt, ...) printk(KERN_ALERT pr_fmt(fmt), ##__VA_ARGS__)
#define pr_crit(fmt, ...) printk(KERN_CRIT pr_fmt(fmt), ##__VA_ARGS__)
#define pr_err(fmt, ...) printk(KERN_ERR pr_fmt(fmt), ##__VA_ARGS__)
#define pr_warn(fmt, ...) printk(KERN_WARNING pr_fmt(fmt), ##__VA_ARGS__)
#define pr_notice(fmt, ...) printk(KERN_NOTICE pr_fmt(fmt), ##__VA_ARGS__)
#define pr_info(fmt, ...) printk(KERN_INFO pr_fmt(fmt), ##__VA_ARGS__)
#define pr_debug(fmt, ...) printk(KERN_DEBUG pr_fmt(fmt), ##__VA_ARGS__)
#define pr_cont(fmt, ...) printk(KERN_CONT fmt, ##__VA_ARGS__)

/* 7 unless loglevel= says otherwise; while the kernel boots with quiet, 4 at most. */
extern int console_loglevel;
extern bool printk_quiet;

/*
 * While a command runs (true): a line of log from an interrupt waits until the line that
 * the command has begun is whole, so that it never splits one.  False: what waits is
 * shown.  With a pager it is in either case, if that can be.
 */
void printk_hold(bool holds);

/* How often something was printed: by it one sees that the cursor has moved. */
uint32_t printk_shown(void);

/*
 * Where kprintf's text goes instead of the console; NULL: to the console.  What
 * interrupts print, and the log, never goes there: but where the filter is this pager,
 * which stops for a key, the log goes there as well.  What of it comes when nobody can
 * wait for a key, as the report of a fault does, waits until somebody can.
 */
extern void (*kprintf_filter)(const char *text, size_t length);
extern void (*kprintf_pager)(const char *text, size_t length);

/* Show the whole ring on the console. */
void printk_dump_log(void);

/* Say why, with registers and backtrace, and stop the machine for good. */
void panic(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));

/* The same, but end the running command alone, as a fault does; if there is one. */
void oops(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));
#define KASSERT(truth)                                                        \
    ((truth) ? (void)0 : oops("%s:%d: assertion failed: %s", __FILE__,        \
                              __LINE__, #truth))

#endif
