/*
 * string.h - what the C library would give: memory and strings, by their
 * standard names and meaning.
 */
#ifndef KERNEL_STRING_H
#define KERNEL_STRING_H

#include <stddef.h>

/* make SAN=1: these look first at what they are given (kernel/san/string.c). */
#ifdef SAN
#define CHECKED(name) __asm__("san_" #name)
#else
#define CHECKED(name)
#endif

void *memset(void *to, int byte, size_t n) CHECKED(memset);
void *memcpy(void *to, const void *from, size_t n) CHECKED(memcpy);
void *memmove(void *to, const void *from, size_t n) CHECKED(memmove);
int memcmp(const void *a, const void *b, size_t n) CHECKED(memcmp);
void *memchr(const void *p, int byte, size_t n) CHECKED(memchr);
size_t strlen(const char *s) CHECKED(strlen);
size_t strnlen(const char *s, size_t max) CHECKED(strnlen);
int strcmp(const char *a, const char *b) CHECKED(strcmp);
int strncmp(const char *a, const char *b, size_t n) CHECKED(strncmp);
char *strchr(const char *s, int c) CHECKED(strchr);
char *strrchr(const char *s, int c) CHECKED(strrchr);
char *strstr(const char *s, const char *part) CHECKED(strstr);
/* Copies as much as fits in size, always ended with 0; returns strlen(from). */
size_t strlcpy(char *to, const char *from, size_t size) CHECKED(strlcpy);
size_t strlcat(char *to, const char *from, size_t size) CHECKED(strlcat);

/* "1 object", "2 objects": what a word has behind it, of n. */
static inline const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

#endif
