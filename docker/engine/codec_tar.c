#include "docker/engine/codec_tar.h"

#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#define BLOCK ((size_t)512)

/* POSIX.1-1988 ustar. Numbers are octal with leading zeros. The checksum is computed with spaces in its own field. */
struct header {
    char name[CODEC_TAR_NAME_MAX];
    char mode[8], uid[8], gid[8], size[12], mtime[12];
    char checksum[8];
    char type;
    char link[100];
    char magic[6], version[2];
    char user[32], group[32], major[8], minor[8], prefix[155];
    char pad[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is a block");

static void tar_fill_header(struct header *header, char type, const char *name, size_t len, unsigned mode)
{
    unsigned sum = 0;

    *header = (struct header){.type = type, .magic = "ustar", .version = {'0', '0'}};
    memcpy(header->name, name, strlen(name));
    snprintf(header->mode, sizeof header->mode, "%07o", mode);
    snprintf(header->uid, sizeof header->uid, "%07o", 0u);
    snprintf(header->gid, sizeof header->gid, "%07o", 0u);
    snprintf(header->size, sizeof header->size, "%011zo", len);
    snprintf(header->mtime, sizeof header->mtime, "%011o", 0u);
    memset(header->checksum, ' ', sizeof header->checksum);
    for (size_t i = 0; i < BLOCK; i++)
        sum += ((const unsigned char *)header)[i];
    snprintf(header->checksum, sizeof header->checksum, "%06o", sum & 0777777u);
}

static int tar_append(struct buf *out, char type, const char *name, const void *data, size_t len, unsigned mode)
{
    static const char zeros[3 * BLOCK];
    size_t pad = (BLOCK - len % BLOCK) % BLOCK;
    struct header header;

    if (name[0] == '\0' || strlen(name) > CODEC_TAR_NAME_MAX || len > CODEC_TAR_DATA_MAX || mode > 07777)
        return -1;
    if (buf_reserve(out, BLOCK + len + pad + 2 * BLOCK) != 0)
        return -1;
    tar_fill_header(&header, type, name, len, mode);
    buf_append(out, &header, BLOCK);
    buf_append(out, data, len);
    buf_append(out, zeros, pad + 2 * BLOCK); /* two empty blocks end an archive */
    return 0;
}

int codec_tar_file(struct buf *out, const char *name, const void *data, size_t len, unsigned mode)
{
    return tar_append(out, '0', name, data, len, mode);
}

int codec_tar_folder(struct buf *out, const char *name, unsigned mode)
{
    return tar_append(out, '5', name, "", 0, mode);
}
