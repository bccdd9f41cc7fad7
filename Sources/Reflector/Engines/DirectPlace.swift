internal import LinkMeasurement
internal import PacketIO

/// Where a test in direct mode listens and whom it serves there, checked.
struct DirectPlace {
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
