/*
 * string.c - kernel/string.h for code that is checked: first what will be read and
 * written, then the call itself.
 *
 * The functions of kernel/string.c are not compiled with checks, because mm uses them
 * on memory that is nobody's.  kernel/string.h gives its names these meanings where the
 * compiler checks (SAN), so a report names who called memcpy, and not memcpy.
 *
 * What ends at a 0 is read first and looked at afterwards: up to the 0 that was found.
 */
#include "kernel/string.h"

#include "kernel/san/san_priv.h"

void *san_memset(void *to, int byte, size_t n);
void *san_memcpy(void *to, const void *from, size_t n);
void *san_memmove(void *to, const void *from, size_t n);
int san_memcmp(const void *a, const void *b, size_t n);
void *san_memchr(const void *p, int byte, size_t n);
size_t san_strlen(const char *s);
size_t san_strnlen(const char *s, size_t max);
int san_strcmp(const char *a, const char *b);
int san_strncmp(const char *a, const char *b, size_t n);
char *san_strchr(const char *s, int c);
char *san_strrchr(const char *s, int c);
char *san_strstr(const char *s, const char *part);
size_t san_strlcpy(char *to, const char *from, size_t size);
size_t san_strlcat(char *to, const char *from, size_t size);

static void reads(const void *p, size_t bytes, struct san_caller caller)
{
    if (bytes > 0)
        san_check((uintptr_t)p, bytes, false, caller);
}

static void writes(void *p, size_t bytes, struct san_caller caller)
{
    if (bytes > 0)
        san_check((uintptr_t)p, bytes, true, caller);
}

/* The string, or the first n bytes of it, with its 0. */
static void reads_string(const char *s, size_t n, struct san_caller caller)
{
    size_t length = strnlen(s, n);

    reads(s, length < n ? length + 1 : n, caller);
}

void *san_memset(void *to, int byte, size_t n)
{
    writes(to, n, SAN_CALLER());
    return memset(to, byte, n);
}

void *san_memcpy(void *to, const void *from, size_t n)
{
    reads(from, n, SAN_CALLER());
    writes(to, n, SAN_CALLER());
    return memcpy(to, from, n);
}

void *san_memmove(void *to, const void *from, size_t n)
{
    reads(from, n, SAN_CALLER());
    writes(to, n, SAN_CALLER());
    return memmove(to, from, n);
}

int san_memcmp(const void *a, const void *b, size_t n)
{
    reads(a, n, SAN_CALLER());
    reads(b, n, SAN_CALLER());
    return memcmp(a, b, n);
}

void *san_memchr(const void *p, int byte, size_t n)
{
    const char *found = memchr(p, byte, n);

    reads(p, found != NULL ? (size_t)(found - (const char *)p) + 1 : n, SAN_CALLER());
    return (void *)(uintptr_t)found;
}

size_t san_strlen(const char *s)
{
    reads_string(s, SIZE_MAX, SAN_CALLER());
    return strlen(s);
}

size_t san_strnlen(const char *s, size_t max)
{
    reads_string(s, max, SAN_CALLER());
    return strnlen(s, max);
}

/* They read both up to where they differ. */
static int compare(const char *a, const char *b, size_t n, struct san_caller caller)
{
    size_t same = 0;

    while (same < n && a[same] == b[same] && a[same] != 0)
        same++;
    reads(a, same < n ? same + 1 : n, caller);
    reads(b, same < n ? same + 1 : n, caller);
    return strncmp(a, b, n);
}

int san_strcmp(const char *a, const char *b)
{
    return compare(a, b, SIZE_MAX, SAN_CALLER());
}

int san_strncmp(const char *a, const char *b, size_t n)
{
    return compare(a, b, n, SAN_CALLER());
}

char *san_strchr(const char *s, int c)
{
    char *found = strchr(s, c);

    reads(s, found != NULL ? (size_t)(found - s) + 1 : strlen(s) + 1, SAN_CALLER());
    return found;
}

char *san_strrchr(const char *s, int c)
{
    reads_string(s, SIZE_MAX, SAN_CALLER());
    return strrchr(s, c);
}

char *san_strstr(const char *s, const char *part)
{
    reads_string(s, SIZE_MAX, SAN_CALLER());
    reads_string(part, SIZE_MAX, SAN_CALLER());
    return strstr(s, part);
}

size_t san_strlcpy(char *to, const char *from, size_t size)
{
    size_t length = strlen(from);

    reads(from, length + 1, SAN_CALLER());
    writes(to, length < size ? length + 1 : size, SAN_CALLER());
    return strlcpy(to, from, size);
}

size_t san_strlcat(char *to, const char *from, size_t size)
{
    size_t before = strnlen(to, size), length = strlen(from);
    size_t room = size - before;

    reads_string(to, size, SAN_CALLER());
    reads(from, length + 1, SAN_CALLER());
    writes(to + before, length < room ? length + 1 : room, SAN_CALLER());
    return strlcat(to, from, size);
}
