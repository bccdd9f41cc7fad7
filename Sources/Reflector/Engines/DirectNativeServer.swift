internal import PacketIO
struct DirectNativeServer: Sendable {
    let port: Int
    static func start(for session: LiveSession, address: String, ports: ClosedRange<Int>) throws -> DirectNativeServer { throw SessionDeny(reason: .invalidParams, message: "not yet", retryAfterSec: nil) }
    func stop() async {}
}
