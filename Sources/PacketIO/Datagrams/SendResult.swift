internal import Glibc

/// What became of datagrams to send.
package struct SendResult: Equatable, Sendable {
    /// Those that the kernel took: the first ones.
    package let datagrams: Int
    /// Why the next one did not go; nil if all went.
    package let obstacle: Obstacle?

    package enum Obstacle: Equatable, Sendable {
        /// The socket's buffer or the device's queue is full: try again later.
        case wouldBlock
        /// The datagram is larger than the device's MTU.
        case tooLarge
        /// Nothing listens there. Only a connected socket learns that.
        case refused
        /// There is no route, or its device is down. Linux says the same of IPv4 if the address to send from is not
        /// this machine's now.
        case unreachable
        /// A firewall of this machine refuses it, or it goes to a broadcast address.
        case notPermitted
        /// The address to send from is not this machine's now, the one to send to names no place, or one of them is of
        /// the other family than the socket.
        case invalidAddress
        /// Anything else, by its errno.
        case failed(Int32)

        init(_ code: Int32) {
            self =
                switch code {
                case EAGAIN, ENOBUFS: .wouldBlock
                case EMSGSIZE: .tooLarge
                case ECONNREFUSED: .refused
                case ENETUNREACH, EHOSTUNREACH, ENETDOWN, EHOSTDOWN: .unreachable
                case EACCES, EPERM: .notPermitted
                case EINVAL, EADDRNOTAVAIL, EAFNOSUPPORT: .invalidAddress
                default: .failed(code)
                }
        }
    }
}
