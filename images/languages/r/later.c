/* For R, which opens its program when it starts and reads it when it is ready: the file that $CODECELL_LATER names is
 * opened when it is first read, so that one that waits for its program has got that far. Nothing else changes, and no
 * child inherits it. No header is included: tcc compiles this, without a C library's development files. */
typedef unsigned long size_t;
typedef long ssize_t;
typedef struct file FILE;

extern char *getenv(const char *name);
extern int unsetenv(const char *name);
extern int strcmp(const char *a, const char *b);
extern void *dlsym(void *library, const char *name);
extern int open(const char *path, int flags, ...);
extern ssize_t read(int descriptor, void *buffer, size_t size);
extern int close(int descriptor);

struct functions {
    ssize_t (*read)(void *cookie, char *buffer, size_t size);
    ssize_t (*write)(void *cookie, const char *buffer, size_t size);
    int (*seek)(void *cookie, long *offset, int whence);
    int (*close)(void *cookie);
};
extern FILE *fopencookie(void *cookie, const char *mode, struct functions functions);

#define READ_ONLY_CLOEXEC 02000000
#define NEXT ((void *)-1L) /* RTLD_NEXT */
#define UNOPENED (-1)

static const char *program; /* its name, until it has been asked for */
static const char *path;
static int descriptor = UNOPENED;

__attribute__((constructor)) static void begin(void)
{
    program = getenv("CODECELL_LATER");
    unsetenv("CODECELL_LATER");
    unsetenv("LD_PRELOAD");
}

static ssize_t read_program(void *cookie, char *buffer, size_t size)
{
    if (descriptor == UNOPENED)
        descriptor = open(path, READ_ONLY_CLOEXEC);
    return descriptor == UNOPENED ? -1 : read(descriptor, buffer, size);
}

static int close_program(void *cookie)
{
    return descriptor == UNOPENED ? 0 : close(descriptor);
}

FILE *fopen(const char *name, const char *mode)
{
    static FILE *(*next)(const char *, const char *);
    if (program && strcmp(name, program) == 0) {
        path = program;
        program = 0;
        return fopencookie(0, mode, (struct functions){read_program, 0, 0, close_program});
    }
    if (!next)
        next = (FILE * (*)(const char *, const char *)) dlsym(NEXT, "fopen");
    return next(name, mode);
}
