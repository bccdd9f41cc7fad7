internal import LinkMeasurement
internal import PacketIO

/// The address and peer of a test in direct mode, checked.
struct DirectAddress {
    let local: InternetHost
    let peer: InternetHost
    let ports: ClosedRange<UInt16>

    init(for session: LiveSession, address: String, ports: ClosedRange<Int>) throws(SessionDeny) {
        guard let local = InternetHost(address), let peer = InternetHost(session.peerAddress),
            let first = UInt16(exactly: ports.lowerBound), let last = UInt16(exactly: ports.upperBound)
        else { throw SessionDeny(reason: .invalidParams, message: "no usable address", retryAfterSec: nil) }
        self.local = local
        self.peer = peer
        self.ports = first...last
    }
}
