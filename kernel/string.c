/*
 * string.c - memory and strings, by their standard names (C11 7.24).
 *
 * memset and memcpy use the CPU's string instructions, four bytes at a step; the
 * rest is plain loops.  -ffreestanding keeps the compiler from making a call of
 * memset out of the loop that is memset.
 */
#include "kernel/string.h"

#include <stdint.h>

/* Move count units from *from to *to; both pointers end up behind them. */
static inline void copy_words(void **to, const void **from, size_t count)
{
    __asm__ volatile("rep movsl" : "+D"(*to), "+S"(*from), "+c"(count) : : "memory");
}

static inline void copy_bytes(void **to, const void **from, size_t count)
{
    __asm__ volatile("rep movsb" : "+D"(*to), "+S"(*from), "+c"(count) : : "memory");
}

void *memcpy(void *to, const void *from, size_t n)
{
    void *at = to;

    copy_words(&at, &from, n / 4);
    copy_bytes(&at, &from, n % 4);
    return to;
}

void *memset(void *to, int byte, size_t n)
{
    uint32_t pattern = (uint8_t)byte * 0x01010101u;
    void *at = to;
    size_t words = n / 4, bytes = n % 4;

    __asm__ volatile("rep stosl" : "+D"(at), "+c"(words) : "a"(pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(at), "+c"(bytes) : "a"(pattern) : "memory");
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    char *target = to;
    const char *source = from;

    if ((uintptr_t)to - (uintptr_t)from >= n)
        return memcpy(to, from, n);     /* no byte is written before it is read */
    while (n-- > 0)
        target[n] = source[n];
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;

    for (; n > 0; n--, x++, y++)
        if (*x != *y)
            return *x < *y ? -1 : 1;
    return 0;
}

void *memchr(const void *p, int byte, size_t n)
{
    const uint8_t *at = p;

    for (; n > 0; n--, at++)
        if (*at == (uint8_t)byte)
            return (void *)(uintptr_t)at;
    return NULL;
}

size_t strlen(const char *s)
{
    const char *end = s;

    while (*end != 0)
        end++;
    return (size_t)(end - s);
}

size_t strnlen(const char *s, size_t max)
{
    size_t length = 0;

    while (length < max && s[length] != 0)
        length++;
    return length;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n > 0; n--, a++, b++) {
        if (*a != *b)
            return (uint8_t)*a < (uint8_t)*b ? -1 : 1;
        if (*a == 0)
            break;
    }
    return 0;
}

char *strchr(const char *s, int c)
{
    for (; *s != (char)c; s++)
        if (*s == 0)
            return NULL;
    return (char *)(uintptr_t)s;
}

char *strrchr(const char *s, int c)
{
    const char *at = s + strlen(s);

    for (; *at != (char)c; at--)
        if (at == s)
            return NULL;
    return (char *)(uintptr_t)at;
}

char *strstr(const char *s, const char *part)
{
    size_t length = strlen(part);

    for (; strncmp(s, part, length) != 0; s++)
        if (*s == 0)
            return NULL;
    return (char *)(uintptr_t)s;
}

size_t strlcpy(char *to, const char *from, size_t size)
{
    size_t length = strlen(from);

    if (size > 0) {
        size_t copied = length < size ? length : size - 1;

        memcpy(to, from, copied);
        to[copied] = 0;
    }
    return length;
}

size_t strlcat(char *to, const char *from, size_t size)
{
    size_t length = strlen(to);

    return length < size ? length + strlcpy(to + length, from, size - length)
                         : size + strlen(from);
}
