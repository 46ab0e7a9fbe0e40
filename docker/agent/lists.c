#include "docker/agent/lists.h"

#include <asm/termbits.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/in6.h>
#include <linux/prctl.h>
#include <linux/random.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define ONE(value)                           \
    {                                        \
        (uint32_t)(value), (uint32_t)(value) \
    }
#define FROM(first, last)                   \
    {                                       \
        (uint32_t)(first), (uint32_t)(last) \
    }
#define LIST(name, ranges) const struct range_list name = {ranges, sizeof(ranges) / sizeof *(ranges)}

static const struct range calls_x86_64[] = {FROM(0, 334), FROM(424, 466)};
LIST(list_calls_x86_64, calls_x86_64);
static const struct range calls_aarch64[] = {FROM(0, 243), FROM(260, 294), FROM(424, 466)};
LIST(list_calls_aarch64, calls_aarch64);

/* For terminals, files, pipes and sockets, and the entropy count, which old libraries ask for. Not listed: line
 * disciplines (TIOCSETD), typing into a terminal (TIOCSTI), consoles, disks, network devices. */
static const struct range ioctls[] = {
    ONE(FIGETBSZ),
    FROM(TCGETS, TCSETSF),
    FROM(0x5405, 0x5408), /* TCGETA to TCSETAF, which not every libc names */
    FROM(TCSBRK, TIOCOUTQ),
    FROM(TIOCGWINSZ, TIOCSWINSZ),
    ONE(FIONREAD),
    FROM(TIOCPKT, TIOCNOTTY),
    FROM(TIOCGETD, TCSBRKP),
    ONE(TIOCGSID),
    ONE(TIOCGPTPEER),
    FROM(FIONCLEX, FIOASYNC),
    ONE(FIOQSIZE),
    FROM(FIOSETOWN, SIOCATMARK),
    ONE(SIOCGIFNAME),
    FROM(SIOCGIFCONF, SIOCGIFFLAGS),
    ONE(SIOCGIFADDR),
    ONE(SIOCGIFDSTADDR),
    ONE(SIOCGIFBRDADDR),
    ONE(SIOCGIFNETMASK),
    ONE(SIOCGIFMETRIC),
    ONE(SIOCGIFMTU),
    ONE(SIOCGIFHWADDR),
    ONE(SIOCGIFINDEX),
    ONE(SIOCGIFTXQLEN),
    ONE(SIOCOUTQNSD),
    ONE(TIOCSPTLCK),
    ONE(FICLONE),
    ONE(FS_IOC_SETFLAGS),
    ONE(FICLONERANGE),
    FROM(_IOW('T', 0x2b, struct termios2), _IOW('T', 0x2d, struct termios2)), /* TCSETS2 to TCSETSF2 */
    ONE(RNDGETENTCNT),
    ONE(TIOCGPTN),
    FROM(TIOCGPKT, TIOCGEXCL), /* with TIOCGPTLCK */
    ONE(FS_IOC_GETFLAGS),
    ONE(FS_IOC_FSGETXATTR),
    ONE(_IOR('T', 0x2a, struct termios2)), /* TCGETS2 */
};
LIST(list_ioctl, ioctls);

/* Not listed: locks of open files, leases, notifications about a folder. */
static const struct range fcntls[] = {
    FROM(F_DUPFD, 17),                 /* with POSIX locks; 17 is F_GETOWNER_UIDS */
    ONE(F_GETLEASE), FROM(1027, 1038), /* F_DUPFD_QUERY to F_SET_FILE_RW_HINT */
};
LIST(list_fcntl, fcntls);

/* Not listed: seccomp filters, names for memory, core scheduling, private futex tables. */
static const struct range prctls[] = {
    FROM(PR_SET_PDEATHSIG, PR_GET_SECCOMP),
    FROM(PR_CAPBSET_READ, PR_SET_TAGGED_ADDR_CTRL + 6), /* to PR_PAC_GET_ENABLED_KEYS */
    FROM(63, 77),                                       /* PR_SME_SET_VL to PR_TIMER_CREATE_RESTORE_IDS */
    ONE(0x41555856),                                    /* PR_GET_AUXV */
    ONE(PR_SET_PTRACER),
};
LIST(list_prctl, prctls);

/* Not listed: packet filters, reserved memory, sending without a copy, a time stamp for each packet. */
static const struct range sockets[] = {
    FROM(SO_REUSEADDR, SO_REUSEADDR),
    FROM(SO_DONTROUTE, SO_BROADCAST),
    FROM(SO_KEEPALIVE, SO_OOBINLINE),
    FROM(SO_PRIORITY, SO_PASSCRED),
    FROM(SO_RCVLOWAT, SO_SNDTIMEO),
    ONE(SO_BINDTODEVICE),
    ONE(SO_TIMESTAMP),
    FROM(SO_PASSSEC, SO_TIMESTAMPNS),
    ONE(SO_PEEK_OFF),
    ONE(SO_MAX_PACING_RATE),
    ONE(SO_INCOMING_CPU),
    FROM(63, 64), /* SO_TIMESTAMP_NEW, SO_TIMESTAMPNS_NEW */
    FROM(66, 67), /* SO_RCVTIMEO_NEW, SO_SNDTIMEO_NEW */
    ONE(76),      /* SO_PASSPIDFD */
};
LIST(list_socket, sockets);

/* Not listed: MD5 keys, upper protocols, repair mode, the saved SYN packet. */
static const struct range tcps[] = {
    FROM(TCP_NODELAY, TCP_WINDOW_CLAMP),
    FROM(TCP_QUICKACK, TCP_CONGESTION),
    FROM(TCP_THIN_LINEAR_TIMEOUTS, TCP_USER_TIMEOUT),
    FROM(TCP_FASTOPEN, TCP_NOTSENT_LOWAT),
    ONE(TCP_FASTOPEN_CONNECT),
    ONE(TCP_FASTOPEN_NO_COOKIE),
    FROM(TCP_INQ, TCP_TX_DELAY),
};
LIST(list_tcp, tcps);

/* Not listed: options in packets, multicast groups and their sources, tables of the packet filter. */
static const struct range ips[] = {
    FROM(IP_TOS, IP_TTL),
    FROM(IP_RECVOPTS, IP_PKTINFO),
    FROM(IP_MTU_DISCOVER, 13), /* IP_RECVTOS */
    ONE(IP_FREEBIND),
    ONE(IP_MINTTL),
    FROM(23, 26), /* IP_CHECKSUM to IP_RECVERR_RFC4884 */
    FROM(IP_MULTICAST_IF, IP_MULTICAST_LOOP),
    ONE(51), /* IP_LOCAL_PORT_RANGE */
};
LIST(list_ip, ips);

/* Not listed: the same, and flow labels, of which the whole host has 4096. */
static const struct range ip6s[] = {
    ONE(IPV6_FLOWINFO),
    FROM(IPV6_UNICAST_HOPS, IPV6_MULTICAST_LOOP),
    FROM(IPV6_MTU_DISCOVER, IPV6_V6ONLY),
    ONE(IPV6_FLOWINFO_SEND),
    ONE(IPV6_RECVPKTINFO),
    ONE(IPV6_RECVHOPLIMIT),
    FROM(IPV6_RECVPATHMTU, IPV6_RECVPATHMTU),
    ONE(IPV6_DONTFRAG),
    FROM(IPV6_RECVTCLASS, IPV6_TCLASS),
    ONE(IPV6_AUTOFLOWLABEL),
    ONE(73), /* IPV6_MINHOPCOUNT */
    ONE(78), /* IPV6_FREEBIND */
};
LIST(list_ip6, ip6s);
