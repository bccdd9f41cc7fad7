#define _GNU_SOURCE
#include "socket_owner.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int read_answer(const void *bytes, ssize_t length, uint32_t *uid) {
    const struct nlmsghdr *header = bytes;
    if (length < 0) return errno;
    if (!NLMSG_OK(header, (size_t)length)) return EBADMSG;
    if (header->nlmsg_type == NLMSG_ERROR) {
        const struct nlmsgerr *error = NLMSG_DATA(header);
        if (header->nlmsg_len < NLMSG_LENGTH(sizeof *error)) return EBADMSG;
        return error->error < 0 ? -error->error : EBADMSG;
    }
    const struct inet_diag_msg *found = NLMSG_DATA(header);
    if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY || header->nlmsg_len < NLMSG_LENGTH(sizeof *found)) return EBADMSG;
    // The kernel reports root as the owner of a socket that its process has closed.
    if (found->idiag_state != TCP_ESTABLISHED || found->idiag_inode == 0) return ENOTCONN;
    *uid = found->idiag_uid;
    return 0;
}

int outpost_tcp_owner(uint32_t local, uint16_t local_port, uint32_t remote, uint16_t remote_port, uint32_t *uid) {
    int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0) return errno;
    struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 body;
    } request;
    memset(&request, 0, sizeof request);
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    // Without NLM_F_DUMP: one socket, found by its addresses.
    request.header.nlmsg_flags = NLM_F_REQUEST;
    request.body.sdiag_family = AF_INET;
    request.body.sdiag_protocol = IPPROTO_TCP;
    request.body.idiag_states = ~0U;
    request.body.id.idiag_src[0] = local;
    request.body.id.idiag_sport = local_port;
    request.body.id.idiag_dst[0] = remote;
    request.body.id.idiag_dport = remote_port;
    request.body.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
    request.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    union {
        struct nlmsghdr header;
        uint8_t bytes[4096];
    } answer;
    ssize_t length;
    do {
        length = sendto(fd, &request, sizeof request, 0, (const struct sockaddr *)&kernel, sizeof kernel);
    } while (length < 0 && errno == EINTR);
    // The kernel answers before the request returns.
    if (length >= 0) do length = recv(fd, &answer, sizeof answer, MSG_DONTWAIT); while (length < 0 && errno == EINTR);
    int result = read_answer(&answer, length, uid);
    close(fd);
    return result;
}
