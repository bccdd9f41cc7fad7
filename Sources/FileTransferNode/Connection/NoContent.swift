internal import FileTransfer

/// Of a session that carries nothing.
struct NoContent: SessionContent {
    var hasWork: Bool { false }
    var hasMessages: Bool { false }
    func takeMessages() -> [[UInt8]] { [] }
    func receive(_ message: ControlMessage) {}
    var violation: String? { nil }
}
